using Akka.Actor;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Forwards;

/// <summary>GPU to its own router, at each change: whether it takes forwards, of which models, and how many it can hold.</summary>
/// <param name="Credits">Most forwards it holds at once, queued and launched.</param>
/// <param name="Models">Those it admits; empty while it is not ready.</param>
internal sealed record GpuReport(GpuId Gpu, GpuHealth Health, string Reason, int Credits, IReadOnlyList<ResidentModel> Models)
    : INoSerializationVerificationNeeded;

/// <summary>A model version that a GPU admits forwards for.</summary>
/// <param name="SafeToResend">False where a forward must not run twice.</param>
internal sealed record ResidentModel(ModelVersion Model, bool SafeToResend);

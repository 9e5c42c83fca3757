using Akka.Actor;
using Troupe.Messages.Identity;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>GPU to model directory: forwards of this instance are admitted.</summary>
internal sealed record InstanceReady(GpuId Gpu, long Ticket, ModuleSpec Module) : IInstanceNews;

/// <summary>Model directory to GPU: admit no more forwards of this version, and let it go when those admitted are done. Answered by
/// <see cref="InstanceGone"/>.</summary>
internal sealed record UnloadInstance(ModelVersion Model) : INoSerializationVerificationNeeded;

/// <summary>GPU to model directory: nothing of this version is left here.</summary>
internal sealed record InstanceGone(GpuId Gpu, ModelVersion Model) : IInstanceNews;

/// <summary>Builder to executor: a loaded instance. It answers the GPU of its home device and the sender when the instance can
/// run.</summary>
internal sealed record AdoptInstance(long Ticket, InstanceHandOver HandOver) : INoSerializationVerificationNeeded;

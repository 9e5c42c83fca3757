using Akka.Actor;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>GPU to executor: run these forwards of one instance, all with the same settings. The executor's unit.</summary>
/// <param name="Incarnation">The executor it is for; another one drops it.</param>
/// <param name="Forwards">One or more; the executor writes each one's result into it.</param>
internal sealed record Launch(int Incarnation, int Ordinal, ModelVersion Model, ModeSettings Settings, QueuedForward[] Forwards)
    : INoSerializationVerificationNeeded
{
    /// <summary>Forwards whose result is not in yet; the executor's.</summary>
    public int Open { get; set; } = Forwards.Length;
}

/// <summary>Executor to GPU: every forward of the launch has its result.</summary>
internal sealed record LaunchEnded(Launch Launch) : INoSerializationVerificationNeeded;

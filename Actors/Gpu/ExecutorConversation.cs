using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Gpu;

/// <summary>Executor to node and GPU: the group's devices are open, launches of this incarnation may come.</summary>
/// <param name="Pulse">What the executor is in, for whoever watches it.</param>
internal sealed record ExecutorReady(int Incarnation, IActorRef Executor, IReadOnlyList<int> Ordinals, ExecutorPulse? Pulse = null)
    : INoSerializationVerificationNeeded;

/// <summary>What had been launched in an executor or device when it crashed.</summary>
/// <param name="OneLaunched">Exactly one forward: no other can have caused it.</param>
/// <param name="ClearsDevice">That one is guilty beyond doubt: it ran alone because it was suspect, or others had succeeded
/// before.</param>
internal readonly record struct CrashEvidence(bool OneLaunched, bool ClearsDevice);

/// <summary>Executor to node, node to GPU: this incarnation has ended, with everything it held.</summary>
/// <param name="DeviceGone">The device itself is unusable; a new executor would not help.</param>
/// <param name="Hangs">It has not ended yet, and may still run what it holds.</param>
internal sealed record ExecutorLost(int Incarnation, string Reason, bool DeviceGone, CrashEvidence Evidence = default, bool Hangs = false)
    : INodeToGpu,
        IDeadLetterSuppression;

/// <summary>Executor to GPU: its device has a sticky error or is lost.</summary>
internal sealed record DeviceFaulted(int Incarnation, string Reason, CrashEvidence Evidence = default)
    : IExecutorNews,
        IDeadLetterSuppression;

/// <summary>Executor to GPU and builder: the instance is mine and can run.</summary>
internal sealed record InstanceAdopted(long Ticket, int Incarnation, int Ordinal, ModuleSpec Module, ModuleTraits Traits)
    : IExecutorNews,
        IDeadLetterSuppression;

/// <summary>GPU to executor: no forward of the instance is left, dispose of it. Answered by <see cref="InstanceRetired"/>.</summary>
internal sealed record RetireInstance(int Incarnation, int Ordinal, ModelVersion Model) : IExecutorRequest;

internal sealed record InstanceRetired(int Incarnation, ModelVersion Model) : IExecutorNews, IDeadLetterSuppression;

/// <summary>GPU to executor: apply the per-instance settings; every lane of the instance is idle. Answered by
/// <see cref="SettingsApplied"/>.</summary>
internal sealed record ApplySettings(int Incarnation, int Ordinal, ModelVersion Model, ModeSettings Settings) : IExecutorRequest;

/// <param name="Failure">Why nothing changed; null when it did.</param>
internal sealed record SettingsApplied(int Incarnation, ModelVersion Model, ModeSettings Settings, InstanceRefusal? Failure)
    : IExecutorNews,
        IDeadLetterSuppression;

/// <summary>GPU to executor: free recordings and buffer sets that these settings do not ask for. Answered by
/// <see cref="ResourcesReleased"/>.</summary>
internal sealed record ReleaseResources(int Incarnation, int Ordinal, ModelVersion Model, HeldModes Held) : IExecutorRequest;

internal sealed record ResourcesReleased(int Incarnation, ModelVersion Model, HeldModes Held) : IExecutorNews, IDeadLetterSuppression;

/// <summary>GPU to executor: are you alive?</summary>
internal sealed record Heartbeat(int Incarnation, int Ordinal, long Sequence) : IExecutorRequest, IDeadLetterSuppression;

/// <summary>Executor to GPU: yes, and this is the device's memory, and what its instances have done.</summary>
internal sealed record HeartbeatAnswer(int Incarnation, long Sequence, DeviceMemory Memory, InstanceSnapshot[] Instances)
    : IExecutorNews,
        IDeadLetterSuppression;

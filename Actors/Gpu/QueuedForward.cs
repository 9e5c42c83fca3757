using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Actors.Gpu;

/// <summary>One attempt at a forward on its way through a GPU: router -> GPU's queue -> executor -> GPU. One object for the whole way, so
/// that a forward costs one allocation there.</summary>
/// <remarks>Owned by whoever holds the message: the GPU sets the queue's part, the executor the result's part. Never crosses to another
/// node.</remarks>
internal sealed class QueuedForward(Forward forward, ModelVersion model, int attempt, IForwardOrigin? origin)
    : INoSerializationVerificationNeeded
{
    public Forward Forward { get; } = forward;

    /// <summary>The exact version it was dispatched for.</summary>
    public ModelVersion Model { get; } = model;

    public int Attempt { get; } = attempt;

    /// <summary>Null when this node's router is the origin.</summary>
    public IForwardOrigin? Origin { get; } = origin;

    // The GPU's part.
    public ModeSettings Settings { get; set; } = ModeSettings.Default;

    public long ModeEpoch { get; set; }

    /// <summary>The instance's barrier count when it was queued: those of a lower count finish before the barrier passes.</summary>
    public int Generation { get; set; }

    public TimeSpan QueuedAt { get; set; }

    public TimeSpan LaunchedAt { get; set; }

    public bool Launched { get; set; }

    /// <summary>Its caller has been answered; the result is dropped.</summary>
    public bool Abandoned { get; set; }

    internal QueuedForward? Previous { get; set; }

    internal QueuedForward? Next { get; set; }

    // The executor's part.
    public Tensor[]? Outputs { get; set; }

    public ForwardException? Failure { get; set; }

    public (long Input, long Infer, long Output) Times { get; set; }
}

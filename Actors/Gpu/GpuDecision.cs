using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Gpu;

internal enum GpuAction
{
    /// <summary>Hand <see cref="GpuDecision.Message"/> to the executor.</summary>
    TellExecutor,

    /// <summary>A forward leaves this GPU: its credit goes back to the router, its outcome, if any, to its origin.</summary>
    Release,

    /// <summary>Hand <see cref="GpuDecision.Message"/> to this node's router.</summary>
    TellRouter,

    /// <summary>Hand <see cref="GpuDecision.Message"/> to the node actor.</summary>
    TellNode,

    /// <summary>Hand <see cref="GpuDecision.Message"/> to the model directory.</summary>
    TellModels,

    /// <summary>Answer the mode directory that began the change.</summary>
    AnswerModes,
}

/// <summary>One thing a GPU's core wants done; the actor performs them in order.</summary>
/// <param name="ReplyTo">Where an answer about modes goes, as it was handed to the core.</param>
internal readonly record struct GpuDecision(
    GpuAction Action,
    object? Message,
    QueuedForward? Forward,
    ForwardOutcome? Outcome,
    object? ReplyTo
)
{
    public static GpuDecision Executor(object message) => new(GpuAction.TellExecutor, message, null, null, null);

    public static GpuDecision Release(QueuedForward forward, ForwardOutcome? outcome) =>
        new(GpuAction.Release, null, forward, outcome, null);

    public static GpuDecision Router(object message) => new(GpuAction.TellRouter, message, null, null, null);

    public static GpuDecision Node(object message) => new(GpuAction.TellNode, message, null, null, null);

    public static GpuDecision Models(object message) => new(GpuAction.TellModels, message, null, null, null);

    public static GpuDecision Modes(object replyTo, object message) => new(GpuAction.AnswerModes, message, null, null, replyTo);
}

using System.Diagnostics;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Gpu;

internal enum GpuAction
{
    TellExecutor,

    /// <summary>A forward leaves this GPU, and another node's router is its origin: its outcome goes there.</summary>
    AnswerOrigin,

    /// <summary>A forward leaves this GPU: its credit goes back to the router, with its outcome where that is the origin.</summary>
    Release,

    TellRouter,
    TellNode,
    TellModels,

    /// <summary>Answer the mode directory that began the change.</summary>
    AnswerModes,
}

/// <summary>One thing a GPU's core wants done; the actor applies them in order. A value, so that deciding allocates nothing.</summary>
internal readonly record struct GpuDecision : IDecision<IGpuShell>
{
    private readonly object? _target;

    private GpuDecision(GpuAction action, object message, object? target = null)
    {
        Action = action;
        Message = message;
        _target = target;
    }

    public GpuAction Action { get; }

    /// <summary>What is said, to whomever <see cref="Action"/> names.</summary>
    public object Message { get; }

    public static GpuDecision Executor(IExecutorRequest request) => new(GpuAction.TellExecutor, request);

    public static GpuDecision Answer(IForwardOrigin origin, ForwardOutcome outcome) => new(GpuAction.AnswerOrigin, outcome, origin);

    public static GpuDecision Release(GpuRelease release) => new(GpuAction.Release, release);

    public static GpuDecision Router(GpuReport report) => new(GpuAction.TellRouter, report);

    public static GpuDecision Node(IGpuNews news) => new(GpuAction.TellNode, news);

    public static GpuDecision Models(IInstanceNews news) => new(GpuAction.TellModels, news);

    public static GpuDecision Modes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer) => new(GpuAction.AnswerModes, answer, asker);

    /// <summary>Where the outcome of <see cref="GpuAction.AnswerOrigin"/> goes.</summary>
    public IForwardOrigin? Origin => _target as IForwardOrigin;

    public void ApplyTo(IGpuShell shell)
    {
        switch (Action)
        {
            case GpuAction.TellExecutor:
                shell.TellExecutor((IExecutorRequest)Message);
                break;
            case GpuAction.AnswerOrigin:
                shell.AnswerOrigin((IForwardOrigin)_target!, (ForwardOutcome)Message);
                break;
            case GpuAction.Release:
                shell.Release((GpuRelease)Message);
                break;
            case GpuAction.TellRouter:
                shell.TellRouter((GpuReport)Message);
                break;
            case GpuAction.TellNode:
                shell.TellNode((IGpuNews)Message);
                break;
            case GpuAction.TellModels:
                shell.TellModels((IInstanceNews)Message);
                break;
            case GpuAction.AnswerModes:
                shell.AnswerModes((IReplyTo<IGpuModesAnswer>)_target!, (IGpuModesAnswer)Message);
                break;
            default:
                throw new UnreachableException();
        }
    }
}

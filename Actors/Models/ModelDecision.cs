using System.Diagnostics;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

internal enum ModelAction
{
    TellBuilder,
    TellExecutor,
    TellGpu,
    Announce,
}

/// <summary>One thing the model directory's core wants done.</summary>
internal readonly record struct ModelDecision : IDecision<IModelShell>
{
    private ModelDecision(ModelAction action, int ordinal, object? message, IReplyTo<ModelReply>? asker = null)
    {
        Action = action;
        Ordinal = ordinal;
        Message = message;
        Asker = asker;
    }

    public ModelAction Action { get; }

    /// <summary>The device that is concerned; -1 where none is.</summary>
    public int Ordinal { get; }

    /// <summary>What is said, to whomever <see cref="Action"/> names; the reply, if there is one, where it announces.</summary>
    public object? Message { get; }

    public IReplyTo<ModelReply>? Asker { get; }

    public ModelReply? Reply => Message as ModelReply;

    public static ModelDecision Builder(IBuilderRequest request) => new(ModelAction.TellBuilder, -1, request);

    public static ModelDecision Executor(int ordinal, AdoptInstance adopt) => new(ModelAction.TellExecutor, ordinal, adopt);

    public static ModelDecision Gpu(int ordinal, UnloadInstance unload) => new(ModelAction.TellGpu, ordinal, unload);

    public static ModelDecision Announce(IReplyTo<ModelReply>? asker = null, ModelReply? reply = null) =>
        new(ModelAction.Announce, -1, reply, asker);

    public void ApplyTo(IModelShell shell)
    {
        switch (Action)
        {
            case ModelAction.TellBuilder:
                shell.TellBuilder((IBuilderRequest)Message!);
                break;
            case ModelAction.TellExecutor:
                shell.TellExecutor(Ordinal, (AdoptInstance)Message!);
                break;
            case ModelAction.TellGpu:
                shell.TellGpu(Ordinal, (UnloadInstance)Message!);
                break;
            case ModelAction.Announce:
                shell.Announce(Asker, Reply);
                break;
            default:
                throw new UnreachableException();
        }
    }
}

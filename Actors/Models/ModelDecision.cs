using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

internal enum ModelAction
{
    TellBuilder,
    TellExecutor,
    TellGpu,

    /// <summary>Publish the models as they are now, then give the reply, if there is one, to who asked.</summary>
    Announce,
}

/// <summary>One thing the model directory's core wants done.</summary>
internal sealed record ModelDecision(ModelAction Action, int Ordinal, object? Message, object? ReplyTo, ModelReply? Reply)
{
    public static ModelDecision Builder(object message) => new(ModelAction.TellBuilder, -1, message, null, null);

    public static ModelDecision Executor(int ordinal, object message) => new(ModelAction.TellExecutor, ordinal, message, null, null);

    public static ModelDecision Gpu(int ordinal, object message) => new(ModelAction.TellGpu, ordinal, message, null, null);

    public static ModelDecision Announce(object? replyTo = null, ModelReply? reply = null) =>
        new(ModelAction.Announce, -1, null, replyTo, reply);
}

using Troupe.Messages.Failures;

namespace Troupe.Actors.Membership;

/// <summary>How a conversation ends for the task that waits for it: by an answer, or by expected trouble in the words of that
/// answer.</summary>
/// <remarks><b>Thread</b> any; only the first end counts.</remarks>
internal interface IConversationEnd
{
    /// <summary>False when the message is not the answer awaited.</summary>
    bool Answer(object message);

    void Fail(FailureKind kind, string detail);
}

/// <summary>A conversation's end that completes a task.</summary>
internal sealed class ConversationEnd<TReply>(Func<FailureKind, string, TReply> failed) : IConversationEnd
    where TReply : class
{
    private readonly TaskCompletionSource<TReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TReply> Reply => _reply.Task;

    public bool Answer(object message)
    {
        if (message is not TReply reply)
        {
            return false;
        }

        _reply.TrySetResult(reply);
        return true;
    }

    public void Fail(FailureKind kind, string detail) => _reply.TrySetResult(failed(kind, detail));
}

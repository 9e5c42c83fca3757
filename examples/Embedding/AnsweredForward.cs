using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;

namespace Troupe.Embedding;

/// <summary>The one terminal reply of a forward, as a task.</summary>
internal sealed class AnsweredForward : IForwardSink
{
    private readonly TaskCompletionSource<ForwardReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ForwardReply> Reply => _reply.Task;

    public void Complete(ForwardReply reply) => _reply.TrySetResult(reply);
}

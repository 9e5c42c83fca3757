using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Tests.Soak;

/// <summary>The sink of one forward, which keeps its first reply and reports any further one: so a long run need not remember every
/// reply.</summary>
internal sealed class OneReply(Action again) : IForwardSink
{
    private readonly TaskCompletionSource<ForwardReply> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<ForwardReply> First => _first.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

    public void Complete(ForwardReply reply)
    {
        if (!_first.TrySetResult(reply))
        {
            again();
        }
    }
}

using System.Collections.Concurrent;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Tests;

/// <summary>The exactly-once checker: notes every reply of every forward, and says so when one has two.</summary>
internal sealed class CountingSink : IForwardSink
{
    private readonly ConcurrentDictionary<RequestId, ForwardReply> _replies = new();
    private readonly ConcurrentDictionary<RequestId, TaskCompletionSource<ForwardReply>> _awaited = new();
    private readonly ConcurrentQueue<string> _twice = new();

    public int Count => _replies.Count;

    /// <summary>Forwards that were answered more than once.</summary>
    public IReadOnlyCollection<string> Twice => _twice;

    public IEnumerable<ForwardReply> Replies => _replies.Values;

    public ForwardReply? Of(RequestId id) => _replies.GetValueOrDefault(id);

    public void Complete(ForwardReply reply)
    {
        if (!_replies.TryAdd(reply.Id, reply))
        {
            _twice.Enqueue($"{reply.Id}: {_replies[reply.Id]} and {reply}");
        }

        _awaited.GetOrAdd(reply.Id, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(reply);
    }

    public Task<ForwardReply> Reply(RequestId id) =>
        _awaited
            .GetOrAdd(id, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously))
            .Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
}

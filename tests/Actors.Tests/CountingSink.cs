using System.Collections.Concurrent;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Tests;

/// <summary>The exactly-once checker: notes every reply of every forward, and says so when one has two.</summary>
/// <param name="leasesFrom">Outputs are on lease from there until they are noted; null: they own their bytes.</param>
internal sealed class CountingSink(HostMemory? leasesFrom = null) : IForwardSink
{
    private readonly ConcurrentDictionary<RequestId, ForwardReply> _replies = new();
    private readonly ConcurrentDictionary<RequestId, TaskCompletionSource<ForwardReply>> _awaited = new();
    private readonly ConcurrentQueue<string> _twice = new();

    public int Count => _replies.Count;

    /// <summary>Forwards that were answered more than once.</summary>
    public IReadOnlyCollection<string> Twice => _twice;

    public IEnumerable<ForwardReply> Replies => _replies.Values;

    public ForwardReply? Of(RequestId id) => _replies.GetValueOrDefault(id);

    public HostMemory? LeasesFrom => leasesFrom;

    public void Complete(ForwardReply reply)
    {
        if (reply is ForwardReply.Succeeded { Outputs: var outputs } succeeded)
        {
            reply = succeeded with { Outputs = outputs.Copied() };
            outputs.ReleaseHeld();
        }

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

using System.Diagnostics.CodeAnalysis;
using Troupe.Actors.Decisions;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>The accepted forwards that have not been answered, by id and by deadline; one leaves by <see cref="Answer"/> and in no other
/// way.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterCore"/> and of its thread. <b>Owns</b> its entries.</remarks>
internal sealed class PendingForwards(DecisionQueue<RouterDecision, IRouterShell> decisions)
{
    private readonly Dictionary<RequestId, PendingForward> _pending = [];
    private readonly DeadlineWheel _deadlines = new();
    private readonly List<DeadlineEntry> _expired = [];

    public int Count => _pending.Count;

    /// <summary>As they are now: answering them does not disturb it.</summary>
    public List<PendingForward> All => [.. _pending.Values];

    /// <summary>False when its id is in use.</summary>
    public bool TryAdd(PendingForward pending)
    {
        if (!_pending.TryAdd(pending.Forward.Id, pending))
        {
            return false;
        }

        _deadlines.Add(pending);
        return true;
    }

    public bool TryGet(RequestId id, [NotNullWhen(true)] out PendingForward? pending) => _pending.TryGetValue(id, out pending);

    /// <summary>Those whose deadline has passed; they are still to be answered.</summary>
    public IReadOnlyList<DeadlineEntry> Expire(TimeSpan now)
    {
        _expired.Clear();
        _deadlines.Advance(now, _expired);
        return _expired;
    }

    public void Answer(PendingForward pending, ForwardReply reply)
    {
        _pending.Remove(pending.Forward.Id);
        _deadlines.Remove(pending);
        pending.IsAnswered = true;
        RouterAudit.Answer(pending, reply);
        decisions.Add(RouterDecision.AnswerSink(pending.Sink, reply));
    }
}

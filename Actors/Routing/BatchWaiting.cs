using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Batch forwards before they are admitted: they wait here, where no deadline runs, until a device for them has little to do; then
/// <see cref="RouterCore"/> takes them as it takes any other.</summary>
/// <remarks>Knows no Akka. Part of the router and of its thread. First come, first admitted, for each model and device that is named; one
/// that finds every queue full waits again, at the front.</remarks>
internal sealed class BatchWaiting(RoutingTable table, RouterCore origin, DecisionQueue<RouterDecision, IRouterShell> decisions)
{
    /// <summary>A device that holds as many forwards is given no batch one: enough to keep it busy, and few enough for an online one to
    /// go soon.</summary>
    public const int Busy = 4;

    /// <summary>More are refused: whoever makes so many should wait for some.</summary>
    public const int MostWaiting = 1 << 16;

    private readonly Dictionary<(ModelReference Model, GpuId? Gpu), LinkedList<BatchForward>> _lines = [];
    private readonly Dictionary<RequestId, BatchForward> _waiting = [];
    private readonly List<(ModelReference Model, GpuId? Gpu)> _empty = [];
    private bool _draining;

    public int Count => _waiting.Count;

    /// <summary>Takes a forward of the class batch; what cannot wait here is the router's to refuse.</summary>
    public void Accept(Forward forward, IForwardSink sink, TimeSpan now)
    {
        if (_draining)
        {
            origin.Accept(forward, sink, now);
            return;
        }

        BatchForward batch = new(this, forward, sink);
        if (_waiting.Count >= MostWaiting)
        {
            Refuse(batch, FailureKind.QueueFull, $"{MostWaiting} batch forwards wait at node {table.Self}; send more when some are done.");
        }
        else if (!_waiting.TryAdd(forward.Id, batch))
        {
            Refuse(batch, FailureKind.InvalidRequest, $"Request id {forward.Id} is in use by a forward that has not been answered.");
        }
        else
        {
            LineOf(batch).AddLast(batch.Place);
            Admit(now);
        }
    }

    /// <summary>Something has changed: whatever has room now is admitted.</summary>
    public void Admit(TimeSpan now)
    {
        if (_waiting.Count == 0)
        {
            return;
        }

        foreach (((ModelReference model, GpuId? gpu), LinkedList<BatchForward> line) in _lines)
        {
            while (line.First is { } first && HasRoom(model, gpu, now))
            {
                Leave(first.Value);
                origin.Accept(first.Value.Forward, first.Value, now);
            }

            if (line.Count == 0)
            {
                _empty.Add((model, gpu));
            }
        }

        foreach ((ModelReference, GpuId?) key in _empty)
        {
            _lines.Remove(key);
        }

        _empty.Clear();
    }

    /// <summary>True when it waited here: it is answered.</summary>
    public bool TryCancel(RequestId id)
    {
        if (!_waiting.TryGetValue(id, out BatchForward? batch))
        {
            return false;
        }

        Leave(batch);
        Refuse(batch, FailureKind.Cancelled, "The caller cancelled the forward.");
        return true;
    }

    /// <summary>No more are admitted, and those that wait are answered.</summary>
    public void Drain()
    {
        _draining = true;
        foreach (BatchForward batch in _waiting.Values)
        {
            Refuse(batch, FailureKind.Draining, $"Node {table.Self} is draining and takes no new forwards. Use another node.");
        }

        _waiting.Clear();
        _lines.Clear();
    }

    /// <summary>The terminal reply to one that was admitted.</summary>
    private void End(BatchForward batch, ForwardReply reply)
    {
        if (reply is ForwardReply.Failed { Kind: FailureKind.QueueFull } && !_draining && _waiting.TryAdd(batch.Forward.Id, batch))
        {
            LineOf(batch).AddFirst(batch.Place);
            return;
        }

        batch.Sink.Complete(reply);
    }

    /// <summary>A device that holds the model has little to do; where nobody holds it there is nothing to wait for.</summary>
    private bool HasRoom(ModelReference model, GpuId? wanted, TimeSpan now)
    {
        if (table.Find(model) is not { } route)
        {
            return true;
        }

        foreach (LocalGpu gpu in route.Local)
        {
            if (gpu.Ready && gpu.HasCredit && gpu.Outstanding < Busy && (wanted is not { } id || id == gpu.Id))
            {
                return true;
            }
        }

        return table.RemoteFor(route, wanted, bounced: null, now, out double load) is not null && load <= Busy;
    }

    private LinkedList<BatchForward> LineOf(BatchForward batch)
    {
        (ModelReference, GpuId?) key = (batch.Forward.Model, batch.Forward.Gpu);
        if (!_lines.TryGetValue(key, out LinkedList<BatchForward>? line))
        {
            _lines.Add(key, line = []);
        }

        return line;
    }

    private void Leave(BatchForward batch)
    {
        _waiting.Remove(batch.Forward.Id);
        batch.Place.List!.Remove(batch.Place);
    }

    private void Refuse(BatchForward batch, FailureKind kind, string detail) =>
        decisions.Add(RouterDecision.AnswerSink(batch.Sink, new ForwardReply.Failed(batch.Forward.Id, kind, detail)));

    /// <summary>One that waits, or was admitted and whose reply comes here first.</summary>
    private sealed class BatchForward : IForwardSink
    {
        private readonly BatchWaiting _owner;

        public BatchForward(BatchWaiting owner, Forward forward, IForwardSink sink)
        {
            (_owner, Forward, Sink) = (owner, forward, sink);
            Place = new LinkedListNode<BatchForward>(this);
        }

        public Forward Forward { get; }

        public IForwardSink Sink { get; }

        public LinkedListNode<BatchForward> Place { get; }

        public void Complete(ForwardReply reply) => _owner.End(this, reply);
    }
}

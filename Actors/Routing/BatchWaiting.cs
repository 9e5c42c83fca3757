using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Routing;

/// <summary>Batch forwards before they are admitted: they wait here, where no deadline runs, until a device for them has little to do; then
/// <see cref="RouterCore"/> takes them as it takes any other.</summary>
/// <remarks>Knows no Akka. Part of the router and of its thread. First come, first admitted, for each model and device that is named; one
/// that finds every queue full waits again, where it stood.</remarks>
internal sealed class BatchWaiting(
    RoutingTable table,
    VersionChooser versions,
    RouterCore origin,
    DecisionQueue<RouterDecision, IRouterShell> decisions
)
{
    /// <summary>A device that holds as many forwards is given no batch one: enough to keep it busy, and few enough for an online one to
    /// go soon.</summary>
    public const int Busy = 4;

    /// <summary>More are refused: whoever makes so many should wait for some.</summary>
    public const int MostWaiting = 1 << 16;

    private readonly Dictionary<(ModelReference Model, GpuId? Gpu), LinkedList<BatchForward>> _lines = [];
    private readonly Dictionary<RequestId, BatchForward> _waiting = [];
    private readonly List<(ModelReference Model, GpuId? Gpu)> _empty = [];
    private long _arrivals;
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

        BatchForward batch = new(this, forward, sink, ++_arrivals);
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
            Enter(batch);
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

        foreach (((ModelReference, GpuId?) key, LinkedList<BatchForward> line) in _lines)
        {
            while (line.First is { } first && HasRoom(first.Value.Forward, now))
            {
                Leave(first.Value);
                origin.Accept(first.Value.Forward, first.Value, now);
            }

            if (line.Count == 0)
            {
                _empty.Add(key);
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
        bool mayWait =
            !_draining && reply is ForwardReply.Failed { Kind: FailureKind.QueueFull } && IsHeld(versions.Resolve(batch.Forward));
        if (mayWait && _waiting.TryAdd(batch.Forward.Id, batch))
        {
            Enter(batch);
            return;
        }

        batch.Sink.Complete(reply);
    }

    /// <summary>A device that may run it has little to do; where none may there is nothing to wait for, and the router says so.</summary>
    private bool HasRoom(Forward waiting, TimeSpan now)
    {
        Forward forward = versions.Resolve(waiting);
        if (!IsHeld(forward))
        {
            return true;
        }

        if (table.Routes.Find(forward.Model) is not { } route)
        {
            return false;
        }

        foreach (LocalGpu gpu in route.Local)
        {
            if (gpu.Ready && gpu.HasCredit && gpu.Outstanding < Busy && (forward.Gpu ?? gpu.Id) == gpu.Id)
            {
                return true;
            }
        }

        return MayTravel(forward) && table.RemoteFor(route, forward.Gpu, bounced: null, now, out double load) is not null && load <= Busy;
    }

    /// <summary>A device that it may run on holds the model, busy or not, or will have it again.</summary>
    private bool IsHeld(Forward forward)
    {
        if (table.Routes.Find(forward.Model) is not { } route)
        {
            return table.Routes.IsComingBack(forward.Model, forward.Gpu);
        }

        GpuId? wanted = forward.Gpu;
        return route.Local.Exists(gpu => (wanted ?? gpu.Id) == gpu.Id)
            || (
                MayTravel(forward)
                && route.Remote.Exists(node =>
                    wanted is not { } id
                    || Array.Exists(node.Snapshot.Models, known => known.Model == route.Model && known.Gpus.Contains(id))
                )
            );
    }

    private static bool MayTravel(Forward forward) => PayloadLimit.Of(forward.Inputs) <= PayloadLimit.Bytes;

    /// <summary>Behind all that came before it: those are few where it comes back.</summary>
    private void Enter(BatchForward batch)
    {
        LinkedList<BatchForward> line = LineOf(batch);
        LinkedListNode<BatchForward>? next = line.Last?.Value.Arrival < batch.Arrival ? null : line.First;
        while (next is not null && next.Value.Arrival < batch.Arrival)
        {
            next = next.Next;
        }

        if (next is null)
        {
            line.AddLast(batch.Place);
        }
        else
        {
            line.AddBefore(next, batch.Place);
        }
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

        public BatchForward(BatchWaiting owner, Forward forward, IForwardSink sink, long arrival)
        {
            (_owner, Forward, Sink, Arrival) = (owner, forward, sink, arrival);
            Place = new LinkedListNode<BatchForward>(this);
        }

        public Forward Forward { get; }

        public IForwardSink Sink { get; }

        /// <summary>Its place among all that came.</summary>
        public long Arrival { get; }

        public LinkedListNode<BatchForward> Place { get; }

        public HostMemory? LeasesFrom => Sink.LeasesFrom;

        public void Complete(ForwardReply reply) => _owner.End(this, reply);
    }
}

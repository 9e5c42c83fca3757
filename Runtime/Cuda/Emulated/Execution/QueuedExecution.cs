using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>What the policies that queue work share: order by streams, events and graph edges, vector clocks, conflicts, and the thread of
/// host functions. Longer than most files: one lock guards it all, and its steps are read together.</summary>
/// <remarks><b>Owns</b> the work that has not run, and one thread for host functions. <b>Thread</b> any, under <see cref="Gate"/>; effects
/// run outside it. <b>Blocks</b> in the Drain methods.</remarks>
internal abstract class QueuedExecution : EmulatedExecution
{
    private const int HostTimeline = 0;

    private readonly RaceDetector _races;
    private readonly HostFunctionThread _hostFunctions = new();
    private readonly VectorClock _host = new();
    private readonly VectorClock[] _devices;
    private readonly List<long> _steps = [0];
    private readonly HashSet<WorkItem> _unfinished = [];
    private readonly List<WorkItem> _freed = [];
    private long _sequence;

    protected QueuedExecution(EmulatedMachine machine)
    {
        Machine = machine;
        _races = new RaceDetector(machine);
        _devices = [.. machine.Devices.Select(_ => new VectorClock())];
    }

    public override bool RunsAtEnqueue => false;

    protected EmulatedMachine Machine { get; }

    protected object Gate { get; } = new();

    public override CuResult Submit(EmulatedStream stream, in StreamCommand command)
    {
        WorkItem? awaited = null;
        CuResult status;
        lock (Gate)
        {
            status = Append(stream, in command, null, out WorkItem? item);
            if (status == CuResult.Success && command.Kind == CommandKind.CopyToDevice && ReadsSourceAtCall(in command))
            {
                item.Staged = Stage(in command);
            }

            if (status == CuResult.Success && command.Kind == CommandKind.CopyToHost && FinishesAtCall(in command))
            {
                awaited = item;
            }
        }

        if (awaited is not null)
        {
            Await(awaited);
        }
        else
        {
            AdvanceAfterEnqueue();
        }

        return status;
    }

    public override CuResult Submit(EmulatedStream stream, EmulatedGraphExec executable)
    {
        lock (Gate)
        {
            GraphNode[] nodes = executable.Nodes;
            if (executable.BranchTimelines.Length != nodes.Length)
            {
                executable.BranchTimelines = AssignBranches(nodes);
            }

            var start = new VectorClock();
            start.Join(_host);
            if (stream.Tail is not null)
            {
                start.Join(stream.Tail.Clock);
            }

            if (executable.LastLaunch is not null)
            {
                start.Join(executable.LastLaunch.Clock);
            }

            var items = new WorkItem[nodes.Length];
            for (int i = 0; i < nodes.Length; i++)
            {
                GraphNode node = nodes[i];
                VectorClock clock = start.Copy();
                foreach (int before in node.DependsOn)
                {
                    clock.Join(items[before].Clock);
                }

                CuResult status = Create(node.Context, node.Command, isReplay: true, executable.BranchTimelines[i], clock, out items[i]);
                if (status != CuResult.Success)
                {
                    return status;
                }

                if (node.DependsOn.Length == 0)
                {
                    items[i].WaitFor(stream.Tail);
                    items[i].WaitFor(executable.LastLaunch);
                }

                foreach (int before in node.DependsOn)
                {
                    items[i].WaitFor(items[before]);
                }

                Enqueue(items[i]);
            }

            CuResult end = Append(stream, new StreamCommand { Kind = CommandKind.Nothing }, items, out WorkItem? last);
            executable.LastLaunch = last;
            if (end != CuResult.Success)
            {
                return end;
            }
        }

        AdvanceAfterEnqueue();
        return CuResult.Success;
    }

    public override CuResult RunNow(EmulatedCudaContext context, in StreamCommand command)
    {
        lock (Gate)
        {
            long step = ++Steps[HostTimeline];
            _host.Set(HostTimeline, step);
            if (_races.Enter(in command, HostTimeline, step, _host, _host) is { } conflict)
            {
                return Machine.Report(CuResult.LaunchFailed, "Conflict:", conflict);
            }
        }

        Machine.EnterAsGuest();
        try
        {
            return CommandRunner.Run(Machine, context, null, in command, isReplay: false);
        }
        finally
        {
            Machine.LeaveAsGuest();
        }
    }

    public override void Record(EmulatedStream stream, EmulatedEvent @event)
    {
        lock (Gate)
        {
            Append(stream, new StreamCommand { Kind = CommandKind.Record, Subject = @event }, null, out WorkItem? item);
            @event.IsRecorded = true;
            @event.LastRecord = item;
        }

        AdvanceAfterEnqueue();
    }

    public override void Wait(EmulatedStream stream, EmulatedEvent @event)
    {
        lock (Gate)
        {
            Append(stream, new StreamCommand { Kind = CommandKind.Wait }, [@event.LastRecord!], out _);
        }
    }

    public override bool IsDone(EmulatedStream stream) => IsSeenDone(stream.Tail);

    public override bool IsDone(EmulatedEvent @event) => IsSeenDone(@event.LastRecord);

    public override void Drain(EmulatedStream stream) => AwaitSeen(stream.Tail);

    public override void Drain(EmulatedEvent @event) => AwaitSeen(@event.LastRecord);

    public override void Drain(EmulatedDevice? device)
    {
        while (true)
        {
            WorkItem? left;
            lock (Gate)
            {
                left = _unfinished.FirstOrDefault(item => device is null || item.Context.Device == device);
                if (left is null)
                {
                    foreach (EmulatedDevice each in Machine.Devices)
                    {
                        if (device is null || each == device)
                        {
                            _host.Join(_devices[each.Ordinal]);
                        }
                    }

                    return;
                }
            }

            Await(left);
        }
    }

    /// <summary>Takes an item whose links are set; under the lock.</summary>
    protected abstract void Accept(WorkItem item);

    /// <summary>Items that became ready because another finished; under the lock.</summary>
    protected abstract void AcceptReady(List<WorkItem> items);

    /// <summary>Runs or waits until an item is done.</summary>
    protected abstract void Await(WorkItem item);

    /// <summary>A chance to make progress when the host asks whether an item is done.</summary>
    protected abstract void Poll(WorkItem item);

    /// <summary>A chance to make progress after an enqueue.</summary>
    protected virtual void AdvanceAfterEnqueue() { }

    /// <summary>Whether an item counts as done for the host.</summary>
    protected virtual bool IsReached(WorkItem item) => item.IsDone;

    /// <summary>Whether a copy from pageable memory reads it during the call: CUDA leaves open when.</summary>
    protected abstract bool ChooseReadAtCall();

    /// <summary>Does what an item says and marks it done. Outside the lock, except that the lock is taken to finish.</summary>
    protected void Perform(WorkItem item)
    {
        StreamCommand command = item.Command;
        if (command.Kind == CommandKind.HostCall && item.Context.Failure == CuResult.Success)
        {
            _hostFunctions.Post(() =>
            {
                Effect(item, in command);
                Finish(item);
            });
            return;
        }

        // After a fault nothing runs any more; only memory is still given back.
        if (item.Context.Failure == CuResult.Success || command.Kind == CommandKind.Free)
        {
            Effect(item, in command);
        }

        Finish(item);
    }

    /// <summary>Waits under the lock until something finishes.</summary>
    protected void WaitForChange() => Monitor.Wait(Gate);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hostFunctions.Dispose();
        }

        base.Dispose(disposing);
    }

    private static byte[] Stage(in StreamCommand command)
    {
        // SAFETY: the caller promises the source for the length of the call.
        unsafe
        {
            return new ReadOnlySpan<byte>((void*)command.Host, checked((int)command.Bytes)).ToArray();
        }
    }

    private Span<long> Steps => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_steps);

    private bool ReadsSourceAtCall(in StreamCommand command) =>
        !Machine.HostMemory.IsPinned(command.Host, command.Bytes) && ChooseReadAtCall();

    private bool FinishesAtCall(in StreamCommand command) =>
        !Machine.HostMemory.IsPinned(command.Host, command.Bytes) && ChooseReadAtCall();

    private bool IsSeenDone(WorkItem? item)
    {
        if (item is null)
        {
            return true;
        }

        Poll(item);
        lock (Gate)
        {
            if (!IsReached(item))
            {
                return false;
            }

            _host.Join(item.Clock);
            return true;
        }
    }

    private void AwaitSeen(WorkItem? item)
    {
        if (item is null)
        {
            return;
        }

        Await(item);
        lock (Gate)
        {
            _host.Join(item.Clock);
        }
    }

    private CuResult Append(EmulatedStream stream, in StreamCommand command, WorkItem[]? others, out WorkItem item)
    {
        if (stream.Timeline < 0)
        {
            stream.Timeline = NewTimeline();
        }

        VectorClock clock = _host.Copy();
        if (stream.Tail is not null)
        {
            clock.Join(stream.Tail.Clock);
        }

        if (others is not null)
        {
            foreach (WorkItem other in others)
            {
                clock.Join(other.Clock);
            }
        }

        CuResult status = Create(stream.Context, in command, isReplay: false, stream.Timeline, clock, out item);
        if (status != CuResult.Success)
        {
            return status;
        }

        item.WaitFor(stream.Tail);
        if (others is not null)
        {
            foreach (WorkItem other in others)
            {
                item.WaitFor(other);
            }
        }

        stream.Tail = item;
        Enqueue(item);
        return CuResult.Success;
    }

    private CuResult Create(
        EmulatedCudaContext context,
        in StreamCommand command,
        bool isReplay,
        int timeline,
        VectorClock clock,
        out WorkItem item
    )
    {
        long step = ++Steps[timeline];
        clock.Set(timeline, step);
        item = new WorkItem(context, command, isReplay, clock) { Sequence = ++_sequence, StartsAt = Now };
        if (_races.Enter(in command, timeline, step, clock, _host) is not { } conflict)
        {
            return CuResult.Success;
        }

        context.Device.Fail(CuResult.LaunchFailed);
        return Machine.Report(CuResult.LaunchFailed, "Conflict:", conflict);
    }

    private void Enqueue(WorkItem item)
    {
        _unfinished.Add(item);
        _devices[item.Context.Device.Ordinal].Join(item.Clock);
        Accept(item);
        Monitor.PulseAll(Gate);
    }

    private int NewTimeline()
    {
        _steps.Add(0);
        return _steps.Count - 1;
    }

    /// <summary>Splits a graph into chains: a node goes on with the chain of its first predecessor that no other node went on
    /// with.</summary>
    private int[] AssignBranches(GraphNode[] nodes)
    {
        int[] branches = new int[nodes.Length];
        bool[] isTaken = new bool[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            branches[i] = -1;
            foreach (int before in nodes[i].DependsOn)
            {
                if (isTaken[before])
                {
                    continue;
                }

                isTaken[before] = true;
                branches[i] = branches[before];
                break;
            }

            if (branches[i] < 0)
            {
                branches[i] = NewTimeline();
            }
        }

        return branches;
    }

    private void Effect(WorkItem item, in StreamCommand command)
    {
        if (command.Kind == CommandKind.Record)
        {
            var @event = (EmulatedEvent)command.Subject!;
            if (@event.LastRecord == item)
            {
                @event.ReachedAt = IsVirtual ? item.EndsAt : Now;
            }

            return;
        }

        bool isGuest = command.Kind != CommandKind.HostCall;
        if (isGuest)
        {
            Machine.EnterAsGuest();
        }

        try
        {
            CuResult status = item.Staged is { } staged
                ? RunStaged(item, staged)
                : CommandRunner.Run(Machine, item.Context, new KernelMemory(Machine), in command, item.IsReplay);
            if (status != CuResult.Success)
            {
                item.Context.Device.Fail(status);
            }
        }
        finally
        {
            if (isGuest)
            {
                Machine.LeaveAsGuest();
            }
        }
    }

    /// <summary>Whether the clock of this policy is virtual.</summary>
    protected virtual bool IsVirtual => false;

    private unsafe CuResult RunStaged(WorkItem item, byte[] staged)
    {
        // SAFETY: the staged bytes are fixed while the copy runs.
        fixed (byte* source = staged)
        {
            var command = new StreamCommand
            {
                Kind = CommandKind.CopyToDevice,
                Destination = item.Command.Destination,
                Host = (nint)source,
                Bytes = item.Command.Bytes,
            };
            return CommandRunner.Run(Machine, item.Context, null, in command, item.IsReplay);
        }
    }

    private void Finish(WorkItem item)
    {
        lock (Gate)
        {
            _unfinished.Remove(item);
            _freed.Clear();
            item.Finish(_freed);
            AcceptReady(_freed);
            Monitor.PulseAll(Gate);
        }
    }
}

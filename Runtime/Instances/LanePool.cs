using System.Diagnostics;
using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Instances;

/// <summary>The lanes of one instance: lends idle ones, makes further ones up to a limit, and has them free what no mode holds.</summary>
/// <remarks>A lane that is given back waits until its work is done before it is lent again. <b>Owns</b> the lanes. <b>Thread</b> any.
/// <b>Blocks</b> where it says so, for the work in flight.</remarks>
internal sealed class LanePool(InstanceParts parts, BlockPool[] memory, int maxLanes) : IMemoryHolder
{
    private readonly Lock _lock = new();
    private readonly List<HostLane> _all = [];

    /// <summary>Lanes that nobody holds, the last used last; work of theirs may still be in flight.</summary>
    private readonly List<HostLane> _waiting = [];
    private bool _isClosed;

    /// <summary>What modes hold since that was last told; until then nothing that a mode may have made is given away.</summary>
    private HeldModes? _held;

    /// <summary>Lanes made so far.</summary>
    public IReadOnlyList<HostLane> All => _all;

    /// <summary>An idle lane, last used first; null when all are at work and no further one may be made.</summary>
    /// <exception cref="ForwardException">The device is lost, or not even one lane fits its memory.</exception>
    public HostLane? TryLease()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            try
            {
                for (int index = _waiting.Count - 1; index >= 0; index--)
                {
                    HostLane lane = _waiting[index];
                    if (lane.Lane.IsIdle())
                    {
                        _waiting.RemoveAt(index);
                        lane.FreeUnheld();
                        return lane;
                    }
                }

                return _all.Count < maxLanes ? MakeLane() : null;
            }
            catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory && _all.Count > 0)
            {
                return null;
            }
            catch (CudaException trouble)
            {
                throw parts.Health.Explain(trouble);
            }
        }
    }

    /// <summary>As <see cref="TryLease"/>, but waits for the work in flight of a lane whose holder has let it go; the caller knows that one
    /// is or can be made.</summary>
    public HostLane Lease()
    {
        lock (_lock)
        {
            if (TryLease() is { } ready)
            {
                return ready;
            }

            HostLane busy = _waiting[^1];
            busy.Lane.WaitUntilIdle();
            _waiting.Remove(busy);
            busy.FreeUnheld();
            return busy;
        }
    }

    /// <summary>Waits for everything in flight on lanes that nobody holds.</summary>
    public void WaitUntilIdle()
    {
        lock (_lock)
        {
            _waiting.ForEach(lane => lane.Lane.WaitUntilIdle());
        }
    }

    /// <summary>Waits for every lane, then changes what the engines carry; contexts and recordings are made anew afterwards.</summary>
    /// <exception cref="ForwardException">An engine refused; every engine is as before.</exception>
    public void Reconfigure(ModeSettings settings)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            if (!PerInstance.Differs(settings, parts.Settings.Current))
            {
                return;
            }

            foreach (HostLane lane in _all)
            {
                lane.Lane.WaitUntilIdle();
                lane.Lane.DropContexts();
            }
        }

        // Weights may ask other instances for memory, and nobody asks under a lock of their own.
        try
        {
            parts.Settings.Apply(settings);
        }
        catch (CudaException trouble)
        {
            throw parts.Health.Explain(trouble);
        }
    }

    /// <summary>Makes the lane that is lent next ready for the graphs of these settings, as far as that needs no call.</summary>
    public void WarmUp(ModeSettings settings)
    {
        HostLane? lane = null;
        try
        {
            lane = TryLease();
            lane?.Lane.WarmUp(settings);
        }
        catch (ForwardException)
        {
            // No lane is to be had: the first forward meets the same trouble, and has somebody to tell.
        }
        finally
        {
            lane?.Dispose();
        }
    }

    /// <summary>Gives back what idle lanes keep: their blocks, arenas, contexts' buffers, and what of graphs and output sets no mode
    /// holds.</summary>
    public void GiveBackMemory()
    {
        Debug.Assert(!_lock.IsHeldByCurrentThread, "Memory is asked for under the lock of an instance.");
        lock (_lock)
        {
            foreach (HostLane lane in _waiting)
            {
                try
                {
                    if (lane.Lane.IsIdle())
                    {
                        lane.GiveBackMemory(_held);
                    }
                }
                catch (CudaException trouble)
                {
                    // The device failed, and what it held is gone with it.
                    parts.Health.Explain(trouble);
                }
            }
        }
    }

    /// <summary>Frees what no mode holds: at once on idle lanes, on the others when they are.</summary>
    public void FreeAllBut(HeldModes held)
    {
        lock (_lock)
        {
            _held = held;
            foreach (HostLane lane in _all)
            {
                lane.FreeWhenIdle = held;
            }

            foreach (HostLane lane in _waiting)
            {
                FreeIfIdle(lane);
            }
        }
    }

    /// <summary>Everything that was to be freed is; asking frees what can be by now.</summary>
    public bool IsFreed
    {
        get
        {
            lock (_lock)
            {
                try
                {
                    _waiting.ForEach(FreeIfIdle);
                }
                catch (CudaException trouble)
                {
                    // The device failed, and what it held is gone with it.
                    parts.Health.Explain(trouble);
                    return true;
                }

                return _all.TrueForAll(static lane => lane.FreeWhenIdle is null);
            }
        }
    }

    /// <summary>Waits for every lane and destroys it; none is lent any more. False when that was done before.</summary>
    public bool TryClose()
    {
        lock (_lock)
        {
            if (_isClosed)
            {
                return false;
            }

            _isClosed = true;
            foreach (HostLane lane in _all)
            {
                lane.Lane.WaitUntilIdle();
                lane.Destroy();
            }

            _all.Clear();
            _waiting.Clear();
            return true;
        }
    }

    private HostLane MakeLane()
    {
        var made = new List<LaneDevice>(memory.Length);
        Lane? deviceSide = null;
        try
        {
            for (int index = 0; index < memory.Length; index++)
            {
                made.Add(new LaneDevice(memory[index].Device, memory[index]));
            }

            deviceSide = new Lane(parts, [.. made]);
            var lane = new HostLane(deviceSide, parts, GiveBack);
            _all.Add(lane);
            return lane;
        }
        catch
        {
            if (deviceSide is not null)
            {
                deviceSide.Dispose();
            }
            else
            {
                made.ForEach(device => device.Dispose());
            }

            throw;
        }
    }

    private void GiveBack(HostLane lane)
    {
        lock (_lock)
        {
            if (!_isClosed && !_waiting.Contains(lane))
            {
                _waiting.Add(lane);
                try
                {
                    FreeIfIdle(lane);
                }
                catch (CudaException trouble)
                {
                    // The device failed, and whoever leases next is told.
                    parts.Health.Explain(trouble);
                }
            }
        }
    }

    private static void FreeIfIdle(HostLane lane)
    {
        if (lane.HoldsUnneeded && lane.Lane.IsIdle())
        {
            lane.FreeUnheld();
        }
    }
}

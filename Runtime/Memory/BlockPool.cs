using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Lends blocks of one device's memory and takes them back, so that forwards in steady state allocate nothing.</summary>
/// <remarks>
/// Blocks have exactly the size asked for and are reused for that size. A block last used on another stream is reused only behind an event
/// of that stream.
/// <b>Owns</b> every block it ever made. <b>Thread</b> any. <b>Blocks</b> never, except when it frees idle blocks because the device is
/// full.
/// </remarks>
internal sealed class BlockPool(DeviceContext device) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, Stack<DeviceBlock>> _idle = [];
    private readonly HashSet<DeviceBlock> _all = [];

    /// <summary>By the device of the stream they mark.</summary>
    private readonly Dictionary<int, DeviceEvent> _orders = [];

    public int Ordinal => device.Ordinal;

    public DeviceContext Device => device;

    /// <summary>Bytes of all blocks, lent or idle.</summary>
    public long Bytes { get; private set; }

    /// <summary>Blocks that are lent out now.</summary>
    public int Lent { get; private set; }

    /// <summary>Lends a block of <paramref name="bytes"/> bytes (at least 1) for work on <paramref name="stream"/>.</summary>
    /// <exception cref="ForwardException">The device's memory is full.</exception>
    public DeviceBlock Rent(ulong bytes, DeviceStream stream)
    {
        ulong size = Math.Max(bytes, 1);
        lock (_lock)
        {
            DeviceBlock block = TryReuse(size, stream) ?? Make(size);
            block.Stream = stream;
            Lent++;
            return block;
        }
    }

    /// <summary>Orders the next work on <paramref name="stream"/> behind the last use of a block that is lent already; false, without
    /// effect, where that cannot be done now.</summary>
    public bool TryContinue(DeviceBlock block, DeviceStream stream)
    {
        lock (_lock)
        {
            bool ordered = TryOrderAfterLastUse(block, stream);
            block.Stream = ordered ? stream : block.Stream;
            return ordered;
        }
    }

    /// <summary>Takes a block back; <paramref name="generation"/> is what it was when it was lent, so that returning twice does
    /// nothing.</summary>
    public void Return(DeviceBlock block, int generation)
    {
        lock (_lock)
        {
            if (block.Generation != generation || block.IsKept)
            {
                return;
            }

            block.Generation++;
            Lent--;
            if (!_idle.TryGetValue(block.Bytes, out Stack<DeviceBlock>? idle))
            {
                _idle.Add(block.Bytes, idle = new Stack<DeviceBlock>());
            }

            idle.Push(block);
        }
    }

    /// <summary>Frees the idle blocks.</summary>
    public void Trim()
    {
        lock (_lock)
        {
            FreeIdle();
        }
    }

    /// <summary>Frees every block, lent or not; nothing on the device may use one any more.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (DeviceBlock block in _all)
            {
                block.Generation++;
                block.Free();
            }

            _all.Clear();
            _idle.Clear();
            Bytes = 0;
            foreach (DeviceEvent order in _orders.Values)
            {
                order.Dispose();
            }

            _orders.Clear();
        }
    }

    private DeviceBlock Make(ulong size)
    {
        DeviceBuffer buffer;
        try
        {
            buffer = DeviceBuffer.Allocate(device, size);
        }
        catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory && FreeIdle())
        {
            buffer = DeviceMemoryShortage.Guard(device, size, "The tensors of a forward");
        }
        catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory)
        {
            throw DeviceMemoryShortage.Of(device, size, "The tensors of a forward", trouble);
        }

        var block = new DeviceBlock(this, buffer);
        _all.Add(block);
        Bytes += (long)size;
        return block;
    }

    private bool FreeIdle()
    {
        bool any = false;
        foreach (Stack<DeviceBlock> idle in _idle.Values)
        {
            while (idle.TryPop(out DeviceBlock? block))
            {
                block.Free();
                _all.Remove(block);
                Bytes -= (long)block.Bytes;
                any = true;
            }
        }

        return any;
    }

    /// <summary>An idle block behind its last use; null where there is none of this size, or its last use cannot be waited for
    /// now.</summary>
    private DeviceBlock? TryReuse(ulong size, DeviceStream stream)
    {
        if (
            !_idle.TryGetValue(size, out Stack<DeviceBlock>? idle)
            || !idle.TryPeek(out DeviceBlock? block)
            || !TryOrderAfterLastUse(block, stream)
        )
        {
            return null;
        }

        return idle.Pop();
    }

    private bool TryOrderAfterLastUse(DeviceBlock block, DeviceStream stream)
    {
        if (block.Stream is not { } last || ReferenceEquals(last, stream))
        {
            return true;
        }

        // An event and the stream it marks are of one device, which for outputs of spanning modules is that of their caller.
        DeviceContext used = last.Context.Ordinal == device.Ordinal ? device : last.Context;
        if (last.IsDisposed)
        {
            // Its last use may still run on a stream that is gone, behind which nothing can be ordered any more.
            CuResult settled = used.TrySynchronize();
            if (settled != CuResult.StreamCaptureUnsupported)
            {
                settled.ThrowIfFailed();
            }

            return settled == CuResult.Success;
        }

        // A lane that records on its stream just now is not disturbed: another block does as well.
        if (!_orders.TryGetValue(used.Ordinal, out DeviceEvent? order))
        {
            _orders.Add(used.Ordinal, order = DeviceEvent.Create(used));
        }

        if (!last.TryMark(order))
        {
            return false;
        }

        stream.WaitFor(order);
        return true;
    }
}

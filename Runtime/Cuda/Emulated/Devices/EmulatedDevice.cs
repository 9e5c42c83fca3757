using System.Runtime.InteropServices;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>One emulated device: its memory with a limit, its primary context, its streams and its counters.</summary>
/// <remarks><b>Owns</b> its device memory until disposed. <b>Thread</b> any. <b>Blocks</b> only while it waits for running work before
/// bytes are given back.</remarks>
internal sealed unsafe class EmulatedDevice : IDisposable
{
    /// <summary>What fresh memory holds in strict mode; nobody may rely on zeros.</summary>
    public const byte FreshPoison = 0xCB;

    /// <summary>What freed memory holds in strict mode.</summary>
    public const byte FreedPoison = 0xDB;

    /// <summary>Alignment of every device allocation.</summary>
    public const ulong Alignment = 512;

    private readonly EmulatedMachine _machine;
    private readonly AddressSpace _addresses;
    private readonly HashSet<EmulatedAllocation> _held = [];
    private Lock[] _streams = [];
    private int _failure;

    public EmulatedDevice(EmulatedMachine machine, int ordinal, EmulatedDeviceOptions options)
    {
        _machine = machine;
        Ordinal = ordinal;
        Options = options;
        SlowDown = options.SlowDown;
        _addresses = new AddressSpace(ordinal);
        Primary = new EmulatedCudaContext(this, isPrimary: true);
    }

    public int Ordinal { get; }

    public EmulatedDeviceOptions Options { get; }

    public EmulatedCudaContext Primary { get; }

    /// <summary>Factor on durations; fault injection raises it.</summary>
    public double SlowDown { get; set; }

    public EmulatedCounters Counters { get; } = new();

    /// <summary>Guards the address table, the memory account and the stream list.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The error that ended the device for this process, or success: CUDA calls it sticky.</summary>
    public CuResult Failure => (CuResult)Volatile.Read(ref _failure);

    public ulong FreeBytes => Options.MemoryBytes - (ulong)Interlocked.Read(ref Counters.BytesInUse);

    /// <summary>Ends every context of the device, now and after any reset; the first error stays.</summary>
    public void Fail(CuResult status)
    {
        Interlocked.CompareExchange(ref _failure, (int)status, 0);
        if (!_machine.FaultsEndTheProcess)
        {
            return;
        }

        foreach (EmulatedDevice other in _machine.Devices)
        {
            Interlocked.CompareExchange(ref other._failure, (int)status, 0);
        }
    }

    /// <summary>Takes note of a stream by the lock that is held while work of it runs.</summary>
    public void AddStream(Lock stream)
    {
        lock (Gate)
        {
            Volatile.Write(ref _streams, [.. _streams, stream]);
        }
    }

    public void RemoveStream(Lock stream)
    {
        lock (Gate)
        {
            Volatile.Write(ref _streams, [.. _streams.Where(other => other != stream)]);
        }
    }

    /// <summary>Returns when what runs on its streams at this moment has run.</summary>
    public void WaitForStreams()
    {
        foreach (Lock stream in Volatile.Read(ref _streams))
        {
            lock (stream) { }
        }
    }

    /// <summary>The range an address lies in, live or freed.</summary>
    public EmulatedAllocation? Find(ulong address) => _addresses.Find(address);

    /// <summary>Takes memory from the device; null when the limit does not allow it.</summary>
    public EmulatedAllocation? Allocate(EmulatedCudaContext context, ulong size)
    {
        ulong capacity = ByteAlignment.Up(size, Alignment);
        lock (Gate)
        {
            if (capacity < size || capacity > FreeBytes)
            {
                return null;
            }

            if (!_addresses.TryReserve(capacity, out ulong address))
            {
                return null;
            }

            byte* bytes;
            try
            {
                bytes = (byte*)NativeMemory.AlignedAlloc((nuint)capacity, (nuint)Alignment);
            }
            catch (OutOfMemoryException)
            {
                return null;
            }

            if (_machine.IsStrict)
            {
                NativeMemory.Fill(bytes, (nuint)capacity, FreshPoison);
            }

            var allocation = new EmulatedAllocation
            {
                Device = this,
                Context = context,
                Address = address,
                Capacity = capacity,
                Size = size,
                Bytes = bytes,
                IsLive = true,
            };
            Counters.Use((long)capacity);
            _addresses.Map(allocation);
            _held.Add(allocation);
            return allocation;
        }
    }

    /// <summary>Gives the bytes of a dead range back to the host. Waits for work that may still be reading them; never called under a
    /// stream's lock.</summary>
    public void ReturnToHost(EmulatedAllocation allocation)
    {
        allocation.IsLive = false;
        allocation.IsFreeRequested = true;
        _machine.Quiesce(this);
        lock (Gate)
        {
            if (allocation.Bytes is null)
            {
                return;
            }

            NativeMemory.AlignedFree(allocation.Bytes);
            allocation.Bytes = null;
            _held.Remove(allocation);
            Counters.Use(-(long)allocation.Capacity);
            if (!_machine.IsStrict)
            {
                _addresses.Unmap(allocation);
            }
        }
    }

    /// <summary>Ranges that still hold bytes.</summary>
    public List<EmulatedAllocation> Held()
    {
        lock (Gate)
        {
            return [.. _held];
        }
    }

    public void Dispose()
    {
        foreach (EmulatedAllocation allocation in Held())
        {
            ReturnToHost(allocation);
        }
    }
}

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
    private readonly List<EmulatedAllocation> _retired = [];
    private readonly List<EmulatedPool> _orphans = [];
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
        DefaultPool = new EmulatedPool(this, isDefault: true, maxBytes: 0);
    }

    public int Ordinal { get; }

    public EmulatedDeviceOptions Options { get; }

    public EmulatedCudaContext Primary { get; }

    public EmulatedPool DefaultPool { get; }

    /// <summary>True once a pool beside the default one was made on it.</summary>
    public bool HasCreatedPools { get; set; }

    /// <summary>True when a synchronization has something to give back beside what pools keep.</summary>
    public bool HasSurplus { get; private set; }

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
    public EmulatedAllocation? Allocate(EmulatedCudaContext context, EmulatedPool? pool, ulong size)
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
                Pool = pool,
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

    /// <summary>Moves the bytes of a free range to a new address: what strict mode does instead of giving an address out twice.</summary>
    public EmulatedAllocation? MoveToFreshAddress(EmulatedAllocation freed, EmulatedCudaContext context, ulong size)
    {
        lock (Gate)
        {
            if (!_addresses.TryReserve(freed.Capacity, out ulong address))
            {
                return null;
            }

            var allocation = new EmulatedAllocation
            {
                Device = this,
                Context = context,
                Pool = freed.Pool,
                Address = address,
                Capacity = freed.Capacity,
                Size = size,
                Bytes = freed.Bytes,
                IsLive = true,
            };
            freed.Bytes = null;
            _held.Remove(freed);
            _held.Add(allocation);
            _addresses.Map(allocation);
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

    /// <summary>Takes note of a plain range that was freed in stream order; its bytes go back at the next synchronization.</summary>
    public void Retire(EmulatedAllocation allocation)
    {
        lock (Gate)
        {
            _retired.Add(allocation);
        }

        HasSurplus = true;
    }

    /// <summary>Takes note of a pool whose handle is gone while ranges of it are out.</summary>
    public void AdoptOrphan(EmulatedPool pool)
    {
        lock (Gate)
        {
            _orphans.Add(pool);
        }

        HasSurplus = true;
    }

    /// <summary>Gives back what was retired, and what orphaned pools keep. Never called under a stream's lock.</summary>
    public void ReturnRetired()
    {
        List<EmulatedAllocation> retired;
        List<EmulatedPool> orphans;
        lock (Gate)
        {
            retired = [.. _retired];
            _retired.Clear();
            orphans = [.. _orphans];
            HasSurplus = orphans.Count > 0;
        }

        foreach (EmulatedAllocation allocation in retired)
        {
            ReturnToHost(allocation);
        }

        foreach (EmulatedPool pool in orphans)
        {
            pool.TrimTo(0);
            if (pool.Account.Reserved > 0)
            {
                continue;
            }

            lock (Gate)
            {
                _orphans.Remove(pool);
                HasSurplus = _orphans.Count > 0 || _retired.Count > 0;
            }
        }
    }

    /// <summary>Ranges that still hold bytes: live ones, and free ones kept by pools.</summary>
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

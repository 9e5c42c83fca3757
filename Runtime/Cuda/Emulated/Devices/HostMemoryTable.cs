using System.Runtime.InteropServices;

namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>Page-locked host memory as the driver knows it: what it allocated and what callers registered.</summary>
/// <remarks><b>Owns</b> the allocated ranges until freed or disposed. <b>Thread</b> any, under its lock. <b>Blocks</b> never.</remarks>
internal sealed unsafe class HostMemoryTable : IDisposable
{
    private readonly Lock _gate = new();
    private readonly SortedList<nint, Entry> _ranges = [];

    private readonly record struct Entry(ulong Bytes, bool IsRegistered, EmulatedCudaContext Context);

    /// <summary>Allocates page-locked memory; zero when the host has none left.</summary>
    public nint Allocate(EmulatedCudaContext context, ulong bytes, bool isStrict)
    {
        void* address;
        try
        {
            address = NativeMemory.AlignedAlloc((nuint)bytes, 4096);
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }

        NativeMemory.Fill(address, (nuint)bytes, isStrict ? EmulatedDevice.FreshPoison : (byte)0);
        lock (_gate)
        {
            _ranges[(nint)address] = new Entry(bytes, IsRegistered: false, context);
        }

        return (nint)address;
    }

    /// <summary>Frees a range by its first address; false when the driver did not allocate it.</summary>
    public bool TryFree(nint address, bool isStrict)
    {
        Entry entry;
        lock (_gate)
        {
            if (!_ranges.TryGetValue(address, out entry) || entry.IsRegistered)
            {
                return false;
            }

            _ranges.Remove(address);
        }

        if (isStrict)
        {
            NativeMemory.Fill((void*)address, (nuint)entry.Bytes, EmulatedDevice.FreedPoison);
        }

        NativeMemory.AlignedFree((void*)address);
        return true;
    }

    /// <summary>Registers a caller's memory. What the driver allocated cannot be registered, what is registered not again.</summary>
    public CuResult Register(nint address, ulong bytes, EmulatedCudaContext context)
    {
        lock (_gate)
        {
            foreach ((nint start, Entry entry) in _ranges)
            {
                if ((ulong)start >= (ulong)address + bytes || (ulong)address >= (ulong)start + entry.Bytes)
                {
                    continue;
                }

                return entry.IsRegistered ? CuResult.HostMemoryAlreadyRegistered : CuResult.InvalidValue;
            }

            _ranges[address] = new Entry(bytes, IsRegistered: true, context);
            return CuResult.Success;
        }
    }

    public CuResult Unregister(nint address)
    {
        lock (_gate)
        {
            if (_ranges.TryGetValue(address, out Entry exact) && exact.IsRegistered)
            {
                _ranges.Remove(address);
                return CuResult.Success;
            }

            foreach ((nint start, Entry entry) in _ranges)
            {
                if (entry.IsRegistered && address > start && (ulong)(address - start) < entry.Bytes)
                {
                    return CuResult.InvalidValue;
                }
            }

            return CuResult.HostMemoryNotRegistered;
        }
    }

    /// <summary>Whether all bytes of a range are page-locked: such a range is read when the copy runs.</summary>
    public bool IsPinned(nint address, ulong bytes)
    {
        lock (_gate)
        {
            foreach ((nint start, Entry entry) in _ranges)
            {
                ulong offset = (ulong)address - (ulong)start;
                if (address >= start && offset <= entry.Bytes && bytes <= entry.Bytes - offset)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Frees or forgets everything that belongs to a context.</summary>
    public void FreeAllOf(EmulatedCudaContext context)
    {
        lock (_gate)
        {
            for (int i = _ranges.Count - 1; i >= 0; i--)
            {
                Entry entry = _ranges.GetValueAtIndex(i);
                if (entry.Context != context)
                {
                    continue;
                }

                if (!entry.IsRegistered)
                {
                    NativeMemory.AlignedFree((void*)_ranges.GetKeyAtIndex(i));
                }

                _ranges.RemoveAt(i);
            }
        }
    }

    /// <summary>One line per range, for leak reports.</summary>
    public List<string> Describe()
    {
        lock (_gate)
        {
            return
            [
                .. _ranges.Select(range =>
                    $"{(range.Value.IsRegistered ? "registered" : "page-locked")} host memory of {range.Value.Bytes} bytes at 0x{range.Key:x}"
                ),
            ];
        }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            foreach ((nint address, Entry entry) in _ranges)
            {
                if (!entry.IsRegistered)
                {
                    NativeMemory.AlignedFree((void*)address);
                }
            }

            _ranges.Clear();
        }
    }
}

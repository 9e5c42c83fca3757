using System.Runtime.InteropServices;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>A stream-ordered memory pool: keeps freed ranges for the next allocation of their size until it is trimmed.</summary>
/// <remarks><b>Owns</b> the ranges it keeps. <b>Thread</b> any, under its own lock. <b>Blocks</b> only while it gives memory back to the
/// device.</remarks>
internal sealed class EmulatedPool : EmulatedObject
{
    private readonly Lock _gate = new();
    private const int SmallClasses = 2048;

    private readonly EmulatedAllocation?[] _smallFree = new EmulatedAllocation?[SmallClasses];
    private readonly Dictionary<ulong, EmulatedAllocation?> _largeFree = [];
    private readonly CuMemAccess[] _access;
    private ulong _reserved;
    private ulong _kept;
    private ulong _reservedHigh;
    private ulong _used;
    private ulong _usedHigh;

    public EmulatedPool(EmulatedDevice device, bool isDefault, ulong maxBytes)
    {
        Device = device;
        IsDefault = isDefault;
        MaxBytes = maxBytes;
        _access = new CuMemAccess[EmulatedMachine.MaxDevices];
        _access[device.Ordinal] = CuMemAccess.ReadWrite;
    }

    public EmulatedDevice Device { get; }

    public bool IsDefault { get; }

    /// <summary>Bytes it may reserve; 0 for as many as the device has.</summary>
    public ulong MaxBytes { get; }

    /// <summary>Bytes it keeps when a stream, event or context is synchronized.</summary>
    public ulong ReleaseThreshold { get; set; }

    public ulong FollowEventDependencies { get; set; } = 1;

    public ulong AllowOpportunistic { get; set; } = 1;

    public ulong AllowInternalDependencies { get; set; } = 1;

    public bool HasSurplus => Volatile.Read(ref _kept) > 0 && Volatile.Read(ref _reserved) > ReleaseThreshold;

    public (ulong Reserved, ulong ReservedHigh, ulong Used, ulong UsedHigh) Account
    {
        get
        {
            lock (_gate)
            {
                return (_reserved, _reservedHigh, _used, _usedHigh);
            }
        }
    }

    public CuMemAccess AccessOf(int ordinal) => _access[ordinal];

    public void SetAccess(int ordinal, CuMemAccess access) => _access[ordinal] = access;

    /// <summary>Memory for one allocation, from the kept ranges or from the device; null when neither has room.</summary>
    public EmulatedAllocation? Allocate(EmulatedCudaContext context, ulong size, bool isStrict)
    {
        ulong capacity = ByteAlignment.Up(size, EmulatedDevice.Alignment);
        lock (_gate)
        {
            if (TryReuse(capacity, context, size, isStrict) is { } kept)
            {
                return kept;
            }

            if (MaxBytes != 0 && _reserved + capacity > MaxBytes && !HasKept)
            {
                return null;
            }
        }

        if (MaxBytes != 0 && _reserved + capacity > MaxBytes)
        {
            TrimTo(0);
            if (_reserved + capacity > MaxBytes)
            {
                return null;
            }
        }

        EmulatedAllocation? fresh = Device.Allocate(context, this, size);
        if (fresh is null)
        {
            TrimTo(0);
            fresh = Device.Allocate(context, this, size);
            if (fresh is null)
            {
                return null;
            }
        }

        lock (_gate)
        {
            _reserved += capacity;
            _reservedHigh = Math.Max(_reservedHigh, _reserved);
            CountUsed(size);
        }

        return fresh;
    }

    private bool HasKept => _kept > 0;

    /// <summary>Takes a dead range back; its bytes stay reserved until the pool is trimmed.</summary>
    public unsafe void Keep(EmulatedAllocation allocation, bool isStrict)
    {
        lock (_gate)
        {
            allocation.IsLive = false;
            allocation.IsFreeRequested = true;
            if (isStrict)
            {
                NativeMemory.Fill(allocation.Bytes, (nuint)allocation.Capacity, EmulatedDevice.FreedPoison);
            }

            ref EmulatedAllocation? head = ref HeadOf(allocation.Capacity);
            allocation.NextFree = head;
            head = allocation;
            _kept += allocation.Capacity;
            _used -= allocation.Size;
        }
    }

    /// <summary>Gives kept ranges back to the device until at most <paramref name="bytes"/> stay reserved.</summary>
    public void TrimTo(ulong bytes)
    {
        while (true)
        {
            EmulatedAllocation victim;
            lock (_gate)
            {
                if (_reserved <= bytes || !HasKept)
                {
                    return;
                }

                victim = FindKept();
                HeadOf(victim.Capacity) = victim.NextFree;
                victim.NextFree = null;
                _reserved -= victim.Capacity;
                _kept -= victim.Capacity;
            }

            Device.ReturnToHost(victim);
        }
    }

    public void ResetHigh(CuMemPoolAttribute attribute)
    {
        lock (_gate)
        {
            if (attribute == CuMemPoolAttribute.ReservedMemHigh)
            {
                _reservedHigh = _reserved;
            }
            else
            {
                _usedHigh = _used;
            }
        }
    }

    public override string Describe() => $"{(IsDefault ? "default" : "created")} memory pool of device {Device.Ordinal}";

    private EmulatedAllocation? TryReuse(ulong capacity, EmulatedCudaContext context, ulong size, bool isStrict)
    {
        ref EmulatedAllocation? head = ref HeadOf(capacity);
        if (head is null)
        {
            return null;
        }

        EmulatedAllocation taken = head;
        head = taken.NextFree;
        taken.NextFree = null;
        _kept -= capacity;
        CountUsed(size);
        if (isStrict)
        {
            return Device.MoveToFreshAddress(taken, context, size);
        }

        taken.Context = context;
        taken.Size = size;
        taken.IsFreeRequested = false;
        taken.IsLive = true;
        return taken;
    }

    /// <summary>The first kept range of a size; small sizes have a slot each.</summary>
    private ref EmulatedAllocation? HeadOf(ulong capacity)
    {
        ulong index = (capacity / EmulatedDevice.Alignment) - 1;
        if (index < SmallClasses)
        {
            return ref _smallFree[index];
        }

        return ref CollectionsMarshal.GetValueRefOrAddDefault(_largeFree, capacity, out _);
    }

    private EmulatedAllocation FindKept() =>
        _largeFree.Values.FirstOrDefault(head => head is not null) ?? _smallFree.First(head => head is not null)!;

    private void CountUsed(ulong size)
    {
        _used += size;
        _usedHigh = Math.Max(_usedHigh, _used);
    }
}

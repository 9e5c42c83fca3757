using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>The window through which one running kernel sees device memory: the ranges it declared, each checked when the kernel
/// starts.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> the one that runs the kernel. <b>Blocks</b> never.</remarks>
internal sealed unsafe class KernelMemory(EmulatedMachine machine) : IEmulatedMemory
{
    private DeviceAccess[] _accesses = new DeviceAccess[8];
    private int _count;
    private EmulatedCudaContext? _context;
    private bool _isGuest;

    /// <summary>Checks every range; anything but success is the status the context fails with.</summary>
    public CuResult Open(EmulatedCudaContext context, ReadOnlySpan<DeviceAccess> accesses)
    {
        if (accesses.Length > _accesses.Length)
        {
            _accesses = new DeviceAccess[accesses.Length];
        }

        accesses.CopyTo(_accesses);
        _count = accesses.Length;
        _context = context;
        foreach (ref readonly DeviceAccess access in accesses)
        {
            if (access.ByteCount == 0)
            {
                continue;
            }

            EmulatedAllocation? allocation = machine.Find(access.Start.Address);
            if (allocation is not null && allocation.Device != context.Device && !_isGuest)
            {
                _isGuest = true;
                machine.EnterAsGuest();
            }

            if (allocation is null || !context.MayDereference(allocation, access))
            {
                return CuResult.IllegalAddress;
            }
        }

        return CuResult.Success;
    }

    public void Close()
    {
        _count = 0;
        _context = null;
        if (!_isGuest)
        {
            return;
        }

        _isGuest = false;
        machine.LeaveAsGuest();
    }

    public byte* Resolve(DevicePointer pointer, ulong byteCount)
    {
        foreach (ref readonly DeviceAccess access in _accesses.AsSpan(0, _count))
        {
            ulong offset = pointer.Address - access.Start.Address;
            if (offset > access.ByteCount || byteCount > access.ByteCount - offset)
            {
                continue;
            }

            EmulatedAllocation? allocation = machine.Find(pointer.Address);
            if (allocation is null || allocation.Bytes is null)
            {
                break;
            }

            return allocation.Bytes + (pointer.Address - allocation.Address);
        }

        if (byteCount == 0)
        {
            return null;
        }

        throw new IllegalAccessException(
            $"The kernel touched {byteCount} bytes at 0x{pointer.Address:x} on device {_context?.Device.Ordinal}, which it had not declared."
        );
    }
}

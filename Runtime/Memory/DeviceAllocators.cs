using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>The allocators of a driver's devices: one each, made with the first instance on a device and gone with the last.</summary>
/// <remarks><b>Owns</b> them. <b>Thread</b> any. <b>Blocks</b> while one is made or goes.</remarks>
internal sealed class DeviceAllocators(ICudaDriver driver)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, DeviceAllocator> _open = [];
    private readonly Dictionary<int, MemoryAccount> _accounts = [];

    /// <summary>A door to a device's memory.</summary>
    /// <exception cref="CudaException">There is no such device, or it is lost.</exception>
    public BlockPool Open(int ordinal)
    {
        lock (_lock)
        {
            if (!_open.TryGetValue(ordinal, out DeviceAllocator? allocator))
            {
                DeviceContext device = DeviceContext.Retain(driver, ordinal);
                allocator = new DeviceAllocator(device, AccountOf(ordinal));
                _open.Add(ordinal, allocator);
            }

            return allocator.Open(this);
        }
    }

    /// <summary>Closes a door.</summary>
    public void Close(DeviceAllocator allocator, BlockPool pool)
    {
        lock (_lock)
        {
            if (allocator.Close(pool))
            {
                _open.Remove(allocator.Device.Ordinal);
                allocator.Dispose();
            }
        }
    }

    /// <summary>What has become of a device's memory, but for what others use.</summary>
    public MemoryCounts CountsOf(int ordinal)
    {
        lock (_lock)
        {
            return AccountOf(ordinal).Counts(foreign: 0);
        }
    }

    private MemoryAccount AccountOf(int ordinal)
    {
        if (!_accounts.TryGetValue(ordinal, out MemoryAccount? account))
        {
            driver.DeviceGet(out CuDevice device, ordinal).ThrowIfFailed();
            driver.DeviceTotalMem(out ulong total, device).ThrowIfFailed();
            _accounts.Add(ordinal, account = new MemoryAccount { Budget = total });
        }

        return account;
    }
}

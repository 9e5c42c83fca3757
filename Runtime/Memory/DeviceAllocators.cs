using System.Collections.Concurrent;
using Troupe.Messages.Failures;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>The allocators of a driver's devices: one each, made with the first instance on a device and gone with the last.</summary>
/// <remarks><b>Owns</b> them. <b>Thread</b> any. <b>Blocks</b> while one is made or goes.</remarks>
internal sealed class DeviceAllocators(ICudaDriver driver)
{
    /// <summary>Of what is free on a real device when it is first used: libraries and the driver take some behind the allocator.</summary>
    private const double PartOfFree = 0.9;

    private readonly Lock _lock = new();
    private readonly Dictionary<int, DeviceAllocator> _open = [];

    /// <summary>Written under the lock, and read by whoever counts, who does not wait for the driver.</summary>
    private readonly ConcurrentDictionary<int, MemoryAccount> _accounts = [];

    /// <summary>Whether every block is an allocation of its own from the next allocator on, so that tools that watch allocations see each
    /// block.</summary>
    public bool SeparateBlocks { get; set; }

    /// <summary>A door to a device's memory.</summary>
    /// <exception cref="CudaException">There is no such device, or it is lost.</exception>
    public BlockPool Open(int ordinal)
    {
        lock (_lock)
        {
            if (!_open.TryGetValue(ordinal, out DeviceAllocator? allocator))
            {
                DeviceContext device = DeviceContext.Retain(driver, ordinal);
                try
                {
                    allocator = new DeviceAllocator(device, AccountFor(device));
                }
                catch
                {
                    device.Dispose();
                    throw;
                }

                _open.Add(ordinal, allocator);
            }

            return allocator.Open(this);
        }
    }

    /// <summary>Closes a door.</summary>
    public void Close(DeviceAllocator allocator, BlockPool pool)
    {
        allocator.TakeBackAll(pool);
        lock (_lock)
        {
            if (allocator.Close(pool))
            {
                _open.Remove(allocator.Device.Ordinal);
                allocator.Dispose();
            }
        }
    }

    /// <summary>Sets how much is taken of a device at most.</summary>
    /// <exception cref="ForwardException">It is nothing, more than the device has, or the device is in use.</exception>
    public void Limit(int ordinal, long bytes)
    {
        ulong total = TotalOf(ordinal);
        if (bytes <= 0 || (ulong)bytes > total)
        {
            throw new ForwardException(
                FailureKind.InvalidRequest,
                $"A memory budget of {bytes} bytes does not suit device {ordinal}; write 1 to {total}, which is what it has."
            );
        }

        lock (_lock)
        {
            if (_open.ContainsKey(ordinal))
            {
                throw new ForwardException(
                    FailureKind.InvalidRequest,
                    $"The memory budget of device {ordinal} is in use and cannot change; unload its models first."
                );
            }

            if (_accounts.TryGetValue(ordinal, out MemoryAccount? account))
            {
                account.Budget = (ulong)bytes;
            }
            else
            {
                _accounts[ordinal] = new MemoryAccount { Budget = (ulong)bytes };
            }
        }
    }

    /// <summary>What has become of a device's memory.</summary>
    /// <param name="taken">Bytes of it that the driver says are taken.</param>
    public MemoryCounts CountsOf(int ordinal, long taken = 0) =>
        _accounts.TryGetValue(ordinal, out MemoryAccount? account)
            ? account.Counts(taken)
            : new MemoryAccount { Budget = TotalOf(ordinal) }.Counts(taken);

    private MemoryAccount AccountFor(DeviceContext device)
    {
        if (!_accounts.TryGetValue(device.Ordinal, out MemoryAccount? account))
        {
            // An emulated device is nobody else's.
            ulong budget = driver is IManagedLauncher ? TotalOf(device.Ordinal) : (ulong)(device.MemoryInfo().FreeBytes * PartOfFree);
            _accounts[device.Ordinal] = account = new MemoryAccount { Budget = budget };
        }

        account.SeparateBlocks = SeparateBlocks;
        return account;
    }

    private ulong TotalOf(int ordinal)
    {
        driver.DeviceGet(out CuDevice device, ordinal).ThrowIfFailed();
        driver.DeviceTotalMem(out ulong total, device).ThrowIfFailed();
        return total;
    }
}

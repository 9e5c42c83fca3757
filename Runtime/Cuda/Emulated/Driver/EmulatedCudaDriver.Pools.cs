using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Stream-ordered memory pools.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult DeviceGetDefaultMemPool(out CuMemPool pool, CuDevice device)
    {
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        pool = status == CuResult.Success ? new CuMemPool(found.DefaultPool.Handle) : default;
        return status;
    }

    public CuResult MemPoolCreate(out CuMemPool pool, CuDevice device, ulong maxBytes)
    {
        pool = default;
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.Failure != CuResult.Success)
        {
            return found.Failure;
        }

        status = _captures.Guard(_machine.Thread);
        if (status != CuResult.Success)
        {
            return status;
        }

        found.HasCreatedPools = true;
        pool = new CuMemPool(_pools.Add(new EmulatedPool(found, isDefault: false, maxBytes)));
        return CuResult.Success;
    }

    public CuResult MemPoolDestroy(CuMemPool pool)
    {
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (found.IsDefault)
        {
            return CuResult.InvalidValue;
        }

        // Ranges still out keep the pool's bytes until they are freed.
        _execution.Drain(found.Device);
        found.ReleaseThreshold = 0;
        found.TrimTo(0);
        if (found.Account.Reserved > 0)
        {
            found.Device.AdoptOrphan(found);
        }

        return _pools.Remove(pool.Value) is null ? CuResult.InvalidValue : CuResult.Success;
    }

    public CuResult MemPoolTrimTo(CuMemPool pool, ulong bytesToKeep)
    {
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = _captures.Guard(_machine.Thread);
        if (status == CuResult.Success)
        {
            found.TrimTo(bytesToKeep);
        }

        return status;
    }

    public CuResult MemPoolSetAttribute(CuMemPool pool, CuMemPoolAttribute attribute, ulong value)
    {
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        switch (attribute)
        {
            case CuMemPoolAttribute.ReuseFollowEventDependencies:
                found.FollowEventDependencies = value;
                return CuResult.Success;
            case CuMemPoolAttribute.ReuseAllowOpportunistic:
                found.AllowOpportunistic = value;
                return CuResult.Success;
            case CuMemPoolAttribute.ReuseAllowInternalDependencies:
                found.AllowInternalDependencies = value;
                return CuResult.Success;
            case CuMemPoolAttribute.ReleaseThreshold:
                found.ReleaseThreshold = value;
                return CuResult.Success;
            case CuMemPoolAttribute.ReservedMemHigh or CuMemPoolAttribute.UsedMemHigh when value == 0:
                found.ResetHigh(attribute);
                return CuResult.Success;
            default:
                return CuResult.InvalidValue;
        }
    }

    public CuResult MemPoolGetAttribute(CuMemPool pool, CuMemPoolAttribute attribute, out ulong value)
    {
        value = 0;
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        (ulong Reserved, ulong ReservedHigh, ulong Used, ulong UsedHigh) account = found.Account;
        ulong? known = attribute switch
        {
            CuMemPoolAttribute.ReuseFollowEventDependencies => found.FollowEventDependencies,
            CuMemPoolAttribute.ReuseAllowOpportunistic => found.AllowOpportunistic,
            CuMemPoolAttribute.ReuseAllowInternalDependencies => found.AllowInternalDependencies,
            CuMemPoolAttribute.ReleaseThreshold => found.ReleaseThreshold,
            CuMemPoolAttribute.ReservedMemCurrent => account.Reserved,
            CuMemPoolAttribute.ReservedMemHigh => account.ReservedHigh,
            CuMemPoolAttribute.UsedMemCurrent => account.Used,
            CuMemPoolAttribute.UsedMemHigh => account.UsedHigh,
            _ => null,
        };
        value = known.GetValueOrDefault();
        return known is null ? CuResult.InvalidValue : CuResult.Success;
    }

    public CuResult MemPoolSetAccess(CuMemPool pool, CuDevice device, CuMemAccess access)
    {
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((uint)device.Ordinal >= (uint)_machine.Devices.Length)
        {
            return CuResult.InvalidDevice;
        }

        EmulatedDevice other = _machine.Devices[device.Ordinal];
        if (access == CuMemAccess.Read)
        {
            return CuResult.NotSupported;
        }

        if (other == found.Device)
        {
            return access == CuMemAccess.ReadWrite ? CuResult.Success : CuResult.InvalidDevice;
        }

        if (access != CuMemAccess.None && !CanReach(other, found.Device))
        {
            return CuResult.InvalidDevice;
        }

        found.SetAccess(device.Ordinal, access);
        return CuResult.Success;
    }

    public CuResult MemPoolGetAccess(CuMemPool pool, CuDevice device, out CuMemAccess access)
    {
        access = CuMemAccess.None;
        CuResult status = EnterPool(pool, out EmulatedPool? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((uint)device.Ordinal >= (uint)_machine.Devices.Length)
        {
            return CuResult.InvalidValue;
        }

        access = found.AccessOf(device.Ordinal);
        return CuResult.Success;
    }

    private CuResult EnterPool(CuMemPool pool, out EmulatedPool found)
    {
        found = null!;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_pools.Find(pool.Value) is not { } known)
        {
            return CuResult.InvalidValue;
        }

        found = known;
        return found.Device.Failure;
    }

    private IEnumerable<EmulatedPool> PoolsOf(EmulatedDevice device) => _pools.Alive().Where(pool => pool.Device == device);

    /// <summary>At a synchronization pools give back what exceeds their release threshold.</summary>
    private void ReturnSurplus(EmulatedDevice device)
    {
        if (device.DefaultPool.HasSurplus)
        {
            device.DefaultPool.TrimTo(device.DefaultPool.ReleaseThreshold);
        }

        if (device.HasSurplus)
        {
            device.ReturnRetired();
        }

        if (!device.HasCreatedPools)
        {
            return;
        }

        foreach (EmulatedPool pool in PoolsOf(device))
        {
            if (pool.HasSurplus)
            {
                pool.TrimTo(pool.ReleaseThreshold);
            }
        }
    }
}

using System.Buffers.Binary;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Devices and their properties.</content>
internal sealed partial class EmulatedCudaDriver
{
    private const int DriverVersion = 13000;

    public CuResult DriverGetVersion(out int version)
    {
        version = DriverVersion;
        return CuResult.Success;
    }

    public string ErrorName(CuResult status) => CuResultNames.Name(status);

    public string ErrorString(CuResult status) => CuResultNames.Text(status);

    public CuResult DeviceGetCount(out int count)
    {
        count = _machine.Devices.Length;
        return Enter(out _);
    }

    public CuResult DeviceGet(out CuDevice device, int ordinal)
    {
        device = new CuDevice(ordinal);
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        return (uint)ordinal < (uint)_machine.Devices.Length ? CuResult.Success : CuResult.InvalidDevice;
    }

    public CuResult DeviceGetName(out string name, CuDevice device)
    {
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        name = status == CuResult.Success ? found.Options.Name : "";
        return status;
    }

    public CuResult DeviceGetUuid(out Guid uuid, CuDevice device)
    {
        uuid = default;
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        Span<byte> bytes = stackalloc byte[16];
        "TROUPEHOST"u8.CopyTo(bytes);
        BinaryPrimitives.WriteInt32BigEndian(bytes[12..], found.Ordinal);
        uuid = new Guid(bytes, bigEndian: true);
        return CuResult.Success;
    }

    public CuResult DeviceTotalMem(out ulong bytes, CuDevice device)
    {
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        bytes = status == CuResult.Success ? found.Options.MemoryBytes : 0;
        return status;
    }

    public CuResult DeviceGetAttribute(out int value, CuDeviceAttribute attribute, CuDevice device)
    {
        value = 0;
        CuResult status = EnterDevice(device, out EmulatedDevice? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        int? known = attribute switch
        {
            CuDeviceAttribute.MaxThreadsPerBlock => 1024,
            CuDeviceAttribute.MaxSharedMemoryPerBlock => 48 << 10,
            CuDeviceAttribute.WarpSize => 32,
            CuDeviceAttribute.ClockRate => 1_000_000,
            CuDeviceAttribute.MultiprocessorCount => found.Options.MultiprocessorCount,
            CuDeviceAttribute.Integrated => 0,
            CuDeviceAttribute.CanMapHostMemory => 1,
            CuDeviceAttribute.ComputeMode => 0,
            CuDeviceAttribute.ConcurrentKernels => 1,
            CuDeviceAttribute.PciBusId => found.Ordinal,
            CuDeviceAttribute.PciDeviceId => 0,
            CuDeviceAttribute.AsyncEngineCount => _execution.RunsAtEnqueue ? 0 : 2,
            CuDeviceAttribute.UnifiedAddressing => 1,
            CuDeviceAttribute.ComputeCapabilityMajor => found.Options.ComputeMajor,
            CuDeviceAttribute.ComputeCapabilityMinor => found.Options.ComputeMinor,
            _ => null,
        };
        value = known.GetValueOrDefault();
        return known is null ? CuResult.InvalidValue : CuResult.Success;
    }

    public CuResult DeviceCanAccessPeer(out bool canAccess, CuDevice device, CuDevice peer)
    {
        canAccess = false;
        CuResult status = EnterDevice(device, out EmulatedDevice? from);
        if (status != CuResult.Success)
        {
            return status;
        }

        status = EnterDevice(peer, out EmulatedDevice? to);
        if (status != CuResult.Success)
        {
            return status;
        }

        canAccess = CanReach(from, to);
        return CuResult.Success;
    }

    private static bool CanReach(EmulatedDevice from, EmulatedDevice to) =>
        from != to && (from.Options.Peers is null || from.Options.Peers.Contains(to.Ordinal));

    private CuResult EnterDevice(CuDevice device, out EmulatedDevice found)
    {
        found = null!;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if ((uint)device.Ordinal >= (uint)_machine.Devices.Length)
        {
            return CuResult.InvalidDevice;
        }

        found = _machine.Devices[device.Ordinal];
        return CuResult.Success;
    }
}

using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Allocates device memory for a forward, and says what did not fit when the device is full.</summary>
internal static class DeviceMemoryShortage
{
    /// <exception cref="ForwardException"><see cref="FailureKind.OutOfDeviceMemory"/>, with the sizes.</exception>
    public static DeviceBuffer Guard(DeviceContext device, ulong bytes, string purpose)
    {
        try
        {
            return DeviceBuffer.Allocate(device, bytes);
        }
        catch (CudaException trouble) when (trouble.Status == CuResult.OutOfMemory)
        {
            throw Of(device, bytes, purpose, trouble);
        }
    }

    public static ForwardException Of(DeviceContext device, ulong bytes, string purpose, CudaException trouble)
    {
        (ulong free, ulong total) = device.MemoryInfo();
        return new ForwardException(
            FailureKind.OutOfDeviceMemory,
            $"{purpose} take {bytes} bytes; device {device.Ordinal} has {free} of {total} free.",
            trouble
        );
    }
}

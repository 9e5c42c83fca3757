using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Says what did not fit when a device is full.</summary>
internal static class DeviceMemoryShortage
{
    public static ForwardException Of(DeviceContext device, MemoryAccount account, in WantedBlock wanted)
    {
        (ulong free, ulong total) = device.MemoryInfo();

        // What is idle would have made way.
        free += account.Reserved - account.Used;
        ulong left = account.Budget - Math.Min(account.Budget, account.Used);
        return new ForwardException(
            FailureKind.OutOfDeviceMemory,
            $"{wanted.Purpose} take {wanted.Bytes} bytes; device {device.Ordinal} has {Math.Min(free, left)} of {Math.Min(total, account.Budget)} free."
        );
    }
}

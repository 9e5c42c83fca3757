using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Whether a device can still be used by this process; a sticky error ends that for good.</summary>
/// <remarks>One per device, shared by everything that uses it. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class DeviceHealth(int ordinal)
{
    private string? _fault;

    /// <summary>Why the device is unusable, in words; null while it is not. Once set it stays.</summary>
    public string? Fault => Volatile.Read(ref _fault);

    /// <summary>Remembers a sticky error.</summary>
    public void Fail(string fault) => Interlocked.CompareExchange(ref _fault, fault, null);

    /// <summary>What a failed driver call means for the forward it belongs to.</summary>
    public ForwardException Explain(CudaException trouble)
    {
        if (trouble.IsContextFatal)
        {
            Fail($"{trouble.Status} in {trouble.Call}");
            return new ForwardException(
                FailureKind.DeviceLost,
                $"Device {ordinal} failed and is out of service: {trouble.Message}",
                trouble
            );
        }

        return trouble.Status == CuResult.OutOfMemory
            ? new ForwardException(FailureKind.OutOfDeviceMemory, $"Device {ordinal} is out of memory: {trouble.Message}", trouble)
            : new ForwardException(FailureKind.BackendFailed, $"Device {ordinal} refused the work: {trouble.Message}", trouble);
    }
}

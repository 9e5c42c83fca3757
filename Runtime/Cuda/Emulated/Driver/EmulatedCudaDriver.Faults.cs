using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Injected faults.</content>
internal sealed partial class EmulatedCudaDriver
{
    /// <summary>Plans a fault from now on.</summary>
    public void Inject(EmulatedFault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(fault.Ordinal, _machine.Devices.Length, nameof(fault));
        _faults.Add(fault);
    }

    /// <summary>Forgets planned faults that have not happened yet, and random ones.</summary>
    public void ClearFaults() => _faults.Clear();

    /// <summary>Fails a device now, as a pulled card would: every later call on it answers the status.</summary>
    public void FailDevice(int ordinal, CuResult status = CuResult.EccUncorrectable) => _machine.Devices[ordinal].Fail(status);
}

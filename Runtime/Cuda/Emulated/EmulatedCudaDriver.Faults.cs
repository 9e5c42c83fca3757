namespace Troupe.Runtime.Cuda.Emulated;

/// <content>Injected faults.</content>
internal sealed partial class EmulatedCudaDriver
{
    private readonly Lock _faultGate = new();
    private EmulatedFaults? _faults;

    /// <summary>Plans a fault from now on.</summary>
    public void Inject(EmulatedFault fault)
    {
        ArgumentNullException.ThrowIfNull(fault);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(fault.Ordinal, DeviceTable.Length, nameof(fault));
        lock (_faultGate)
        {
            EmulatedFaults faults = _faults ?? new EmulatedFaults(Options.Seed, Options.FaultRates);
            faults.Add(fault);
            Volatile.Write(ref _faults, faults);
        }
    }

    /// <summary>Forgets planned faults that have not struck yet, and random ones.</summary>
    public void ClearFaults() => Volatile.Write(ref _faults, null);

    /// <summary>Takes a device away now, as a pulled card would be: every later call on it answers the status.</summary>
    public void Lose(int ordinal, CuResult status = CuResult.EccUncorrectable) => DeviceTable[ordinal].Fail(status);

    /// <summary>The status an injected fault gives this call, or success.</summary>
    private CuResult Strike(EmulatedFaultKind kind, EmulatedDevice device) =>
        Volatile.Read(ref _faults) is { } faults ? StrikeWith(faults, kind, device) : CuResult.Success;

    private static CuResult StrikeWith(EmulatedFaults faults, EmulatedFaultKind kind, EmulatedDevice device)
    {
        if (faults.Strike(EmulatedFaultKind.LostDevice, device.Ordinal) is { } loss)
        {
            EmulatedCounters.Count(ref device.Counters.Faults);
            device.Fail(loss.EffectiveStatus);
            return loss.EffectiveStatus;
        }

        if (kind == EmulatedFaultKind.RefusedLaunch)
        {
            if (faults.Strike(EmulatedFaultKind.SlowDevice, device.Ordinal) is { } slow)
            {
                EmulatedCounters.Count(ref device.Counters.Faults);
                device.SlowDown = slow.SlowDown;
            }

            if (faults.Strike(EmulatedFaultKind.StickyError, device.Ordinal) is { } sticky)
            {
                // The launch itself is taken; whoever asks next is told.
                EmulatedCounters.Count(ref device.Counters.Faults);
                device.Fail(sticky.EffectiveStatus);
                return CuResult.Success;
            }
        }

        if (faults.Strike(kind, device.Ordinal) is not { } fault)
        {
            return CuResult.Success;
        }

        EmulatedCounters.Count(ref device.Counters.Faults);
        return fault.EffectiveStatus;
    }
}

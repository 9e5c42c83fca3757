using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Faults;

/// <summary>Lets the faults in force happen to the calls of one driver.</summary>
/// <remarks><b>Owns</b> the faults in force; while there are none a call costs one read. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class FaultInjector
{
    private readonly Lock _gate = new();
    private readonly int _seed;
    private readonly IReadOnlyDictionary<EmulatedFaultKind, double> _rates;
    private EmulatedFaults? _faults;

    public FaultInjector(int seed, IReadOnlyDictionary<EmulatedFaultKind, double> rates)
    {
        _seed = seed;
        _rates = rates;
        _faults = rates.Count > 0 ? new EmulatedFaults(seed, rates) : null;
    }

    /// <summary>Plans a fault from now on.</summary>
    public void Add(EmulatedFault fault)
    {
        lock (_gate)
        {
            EmulatedFaults faults = _faults ?? new EmulatedFaults(_seed, _rates);
            faults.Add(fault);
            Volatile.Write(ref _faults, faults);
        }
    }

    /// <summary>Forgets planned faults that are not due yet, and random ones.</summary>
    public void Clear() => Volatile.Write(ref _faults, null);

    /// <summary>Lets what is due happen to a call on a device; returns the status that gives the call, or success.</summary>
    public CuResult Apply(EmulatedFaultKind kind, EmulatedDevice device) =>
        Volatile.Read(ref _faults) is { } faults ? Apply(faults, kind, device) : CuResult.Success;

    private static CuResult Apply(EmulatedFaults faults, EmulatedFaultKind kind, EmulatedDevice device)
    {
        if (faults.TakeDue(EmulatedFaultKind.LostDevice, device.Ordinal) is { } loss)
        {
            EmulatedCounters.Count(ref device.Counters.Faults);
            device.Fail(loss.EffectiveStatus);
            return loss.EffectiveStatus;
        }

        if (kind == EmulatedFaultKind.RefusedLaunch)
        {
            if (faults.TakeDue(EmulatedFaultKind.SlowDevice, device.Ordinal) is { } slow)
            {
                EmulatedCounters.Count(ref device.Counters.Faults);
                device.SlowDown = slow.SlowDown;
            }

            if (faults.TakeDue(EmulatedFaultKind.StickyError, device.Ordinal) is { } sticky)
            {
                // The launch itself is taken; whoever asks next is told.
                EmulatedCounters.Count(ref device.Counters.Faults);
                device.Fail(sticky.EffectiveStatus);
                return CuResult.Success;
            }
        }

        if (faults.TakeDue(kind, device.Ordinal) is not { } fault)
        {
            return CuResult.Success;
        }

        EmulatedCounters.Count(ref device.Counters.Faults);
        return fault.EffectiveStatus;
    }
}

using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The faults that were injected and have not struck yet, counted down as the driver counts them; one of a kind on a device at a
/// time.</summary>
internal sealed class FaultPlan
{
    private readonly Dictionary<(EmulatedFaultKind Kind, int Device), (int After, int Times)> _planned = [];

    /// <summary>Notes a fault; null when one of its kind is still to strike there.</summary>
    public EmulatedFault? Plan(EmulatedFaultKind kind, int device, int after, int times) =>
        _planned.TryAdd((kind, device), (after, times)) ? new EmulatedFault(kind, device) { After = after, Times = times } : null;

    /// <summary>Something is still to strike on this device.</summary>
    public bool IsPlanned(int device) => _planned.Keys.Any(key => key.Device == device);

    /// <summary>A call the fault may strike; true when it does.</summary>
    public bool Strikes(EmulatedFaultKind kind, int device)
    {
        if (!_planned.TryGetValue((kind, device), out (int After, int Times) plan))
        {
            return false;
        }

        if (plan.After > 0)
        {
            _planned[(kind, device)] = (plan.After - 1, plan.Times);
            return false;
        }

        if (plan.Times <= 1)
        {
            _planned.Remove((kind, device));
        }
        else
        {
            _planned[(kind, device)] = (0, plan.Times - 1);
        }

        return true;
    }
}

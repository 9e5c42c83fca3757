namespace Troupe.Runtime.Cuda.Emulated.Faults;

/// <summary>The faults in force on one driver: planned ones, and random ones by seed.</summary>
/// <remarks><b>Owns</b> the plan. <b>Thread</b> any, under its lock; a driver without faults never comes here. <b>Blocks</b>
/// never.</remarks>
internal sealed class EmulatedFaults(int seed, IReadOnlyDictionary<EmulatedFaultKind, double> rates)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly List<(EmulatedFault Fault, int Passed, int Happened)> _plan = [];

    public void Add(EmulatedFault fault)
    {
        lock (_gate)
        {
            _plan.Add((fault, 0, 0));
        }
    }

    /// <summary>Takes the fault that is due at this call out of the plan, or draws one; null for none.</summary>
    public EmulatedFault? TakeDue(EmulatedFaultKind kind, int ordinal)
    {
        lock (_gate)
        {
            for (int i = 0; i < _plan.Count; i++)
            {
                (EmulatedFault? fault, int passed, int happened) = _plan[i];
                if (fault.Kind != kind || fault.Ordinal != ordinal)
                {
                    continue;
                }

                if (passed < fault.After)
                {
                    _plan[i] = (fault, passed + 1, happened);
                    continue;
                }

                if (happened + 1 >= fault.Times)
                {
                    _plan.RemoveAt(i);
                }
                else
                {
                    _plan[i] = (fault, passed, happened + 1);
                }

                return fault;
            }

            return rates.TryGetValue(kind, out double rate) && _random.NextDouble() < rate ? new EmulatedFault(kind, ordinal) : null;
        }
    }
}

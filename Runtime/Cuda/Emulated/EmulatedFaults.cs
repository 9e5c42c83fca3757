namespace Troupe.Runtime.Cuda.Emulated;

/// <summary>The faults in force on one driver: planned ones, and random ones by seed.</summary>
/// <remarks><b>Owns</b> the plan. <b>Thread</b> any, under its lock; a driver without faults never comes here. <b>Blocks</b>
/// never.</remarks>
internal sealed class EmulatedFaults(int seed, IReadOnlyDictionary<EmulatedFaultKind, double> rates)
{
    private readonly Lock _gate = new();
    private readonly Random _random = new(seed);
    private readonly List<(EmulatedFault Fault, int Passed, int Struck)> _plan = [];

    public void Add(EmulatedFault fault)
    {
        lock (_gate)
        {
            _plan.Add((fault, 0, 0));
        }
    }

    /// <summary>The fault that strikes this call, or null.</summary>
    public EmulatedFault? Strike(EmulatedFaultKind kind, int ordinal)
    {
        lock (_gate)
        {
            for (int i = 0; i < _plan.Count; i++)
            {
                (EmulatedFault? fault, int passed, int struck) = _plan[i];
                if (fault.Kind != kind || fault.Ordinal != ordinal)
                {
                    continue;
                }

                if (passed < fault.After)
                {
                    _plan[i] = (fault, passed + 1, struck);
                    continue;
                }

                if (struck + 1 >= fault.Times)
                {
                    _plan.RemoveAt(i);
                }
                else
                {
                    _plan[i] = (fault, passed, struck + 1);
                }

                return fault;
            }

            return rates.TryGetValue(kind, out double rate) && _random.NextDouble() < rate ? new EmulatedFault(kind, ordinal) : null;
        }
    }
}

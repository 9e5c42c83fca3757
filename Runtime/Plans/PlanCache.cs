using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Plans;

/// <summary>The plans a lane has made, last used first; finding one allocates nothing.</summary>
internal sealed class PlanCache
{
    /// <summary>Combinations of input shapes kept per lane; a further one is planned again when it returns.</summary>
    private const int Capacity = 32;

    private readonly ForwardPlan?[] _plans = new ForwardPlan?[Capacity];

    public bool TryFind(
        ReadOnlySpan<TensorShape> inputs,
        ReadOnlySpan<long> shapeValues,
        ProfileChoice profile,
        int activeProfiles,
        [NotNullWhen(true)] out ForwardPlan? found
    )
    {
        for (int index = 0; index < Capacity && _plans[index] is { } plan; index++)
        {
            if (plan.Shapes.Key.Fits(inputs, shapeValues, profile, activeProfiles))
            {
                MoveToFront(index, plan);
                found = plan;
                return true;
            }
        }

        found = null;
        return false;
    }

    public void Add(ForwardPlan plan) => MoveToFront(Capacity - 1, plan);

    public void Clear() => Array.Clear(_plans);

    private void MoveToFront(int index, ForwardPlan plan)
    {
        if (index > 0)
        {
            Array.Copy(_plans, 0, _plans, 1, index);
            _plans[0] = plan;
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>Holds a weight budget on a module (seed: the context of <c>weight_streaming</c>); when it ends every engine has the budget it
/// had before.</summary>
public sealed class WeightStreamingScope : EnteredMode
{
    private readonly IModeTarget _module;

    internal WeightStreamingScope(IModeTarget module)
        : base(module.Modes, [module], [])
    {
        _module = module;
    }

    /// <summary>Bytes of weights that may be streamed, summed over the engines (seed: <c>total_device_budget</c>).</summary>
    public long TotalDeviceBudget => _module.Traits.StreamableWeightBytes;

    /// <summary>Bytes the back end would choose itself now (seed: <c>get_automatic_weight_streaming_budget</c>).</summary>
    public long AutomaticBudget => _module.AutomaticWeightBudgetBytes;

    /// <summary>
    /// Bytes of streamable weights kept on the device, summed over the engines, each of which takes its share (seed: <c>device_budget</c>).
    /// Reads back what
    /// the engines accepted. More than <see cref="TotalDeviceBudget"/> is clamped to it and logged.
    /// </summary>
    /// <exception cref="ForwardException">No weights are streamable, the value is negative, or the device refused; the budget is as
    /// before.</exception>
    public long DeviceBudget
    {
        get => _module.WeightBudgetBytes;
        set
        {
            long total = TotalDeviceBudget;
            if (total == 0)
            {
                throw new ForwardException(FailureKind.NotSupported, ModeConflicts.NothingStreamable);
            }

            if (value < 0)
            {
                throw new ForwardException(FailureKind.InvalidRequest, ModeConflicts.NegativeBudget);
            }

            if (value > total)
            {
                _module.Modes.WarnClamped(_module.Name, value, total);
            }

            Replace(new ModeChange { WeightBudget = WeightBudget.OfBytes(Math.Min(value, total)) });
        }
    }
}

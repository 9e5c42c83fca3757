using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>What an instance is expected to be: the settings and budgets its engines carry, the shapes it has learned, its lanes and its
/// counters.</summary>
internal sealed class InstanceModel(ModuleCase module, int home, FaultPlan faults)
{
    public ModuleCase Module => module;

    public int Home => home;

    public FaultPlan Faults => faults;

    public ModelCounts Counts { get; } = new();

    public HashSet<string> Learned { get; } = [];

    public Dictionary<object, LaneModel> Lanes { get; } = [];

    /// <summary>What holds its recordings and sets.</summary>
    public HeldModes Held { get; set; }

    /// <summary>The instance settings its engines carry.</summary>
    public ModeSettings Applied { get; private set; } = ModeSettings.Default;

    /// <summary>By segment: bytes of streamable weights on the device.</summary>
    public long[] Budgets { get; private set; } = [.. module.Segments.Select(segment => segment.AutomaticBytes)];

    /// <summary>Whether applying these is a barrier, in which every context is made anew.</summary>
    public bool Differs(ModeSettings settings) =>
        (settings.WeightBudget, settings.Workspace, settings.RuntimeSettings)
        != (Applied.WeightBudget, Applied.Workspace, Applied.RuntimeSettings);

    public void Apply(ModeSettings settings)
    {
        Applied = settings;
        Budgets = Shares(settings.WeightBudget);
        foreach (LaneModel lane in Lanes.Values)
        {
            lane.DropContexts();
        }
    }

    /// <summary>The key of a call: shapes, and the values of shape tensors.</summary>
    public string Key(Tensor[] inputs) =>
        string.Join(';', inputs.Select(input => input.Shape.ToString()))
        + (module.ShapeInput >= 0 ? "=" + Convert.ToHexString(inputs[module.ShapeInput].Data.Span) : "");

    /// <summary>Weights are streamed, so that the segment cannot be recorded.</summary>
    public bool IsStreaming(int segment) => Budgets[segment] < module.Segments[segment].StreamableBytes;

    private long[] Shares(WeightBudget budget)
    {
        if (budget.Kind == WeightBudgetKind.Automatic)
        {
            return [.. module.Segments.Select(segment => segment.AutomaticBytes)];
        }

        long total = module.Streamable;
        long wanted = Math.Min(total, budget.Kind == WeightBudgetKind.Bytes ? budget.ByteCount : (long)(budget.Share * total));
        long[] shares = new long[module.Segments.Length];
        decimal exact = 0;
        long given = 0;
        for (int segment = 0; segment < shares.Length; segment++)
        {
            // In proportion, and rounded so that nothing of the sum is lost.
            exact += (decimal)wanted * module.Segments[segment].StreamableBytes / total;
            shares[segment] = (long)Math.Floor(Math.Round(exact, 12)) - given;
            given += shares[segment];
        }

        return shares;
    }
}

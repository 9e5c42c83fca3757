using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>Random changes of modes, some of them wrong.</summary>
internal static class ModeDraw
{
    public static ModeChange Change(Random random)
    {
        ModeChange change = ModeChange.None;
        for (int field = random.Next(1, 3); field > 0; field--)
        {
            change = random.Next(14) switch
            {
                < 4 => change with { CudaGraphs = (CudaGraphsMode)random.Next(4) },
                < 6 => change with { PreAllocatedOutputs = random.Next(3) > 0 },
                6 => change with { OutputAllocator = random.Next(2) == 0 },
                7 => change with { MultiDeviceSafe = random.Next(3) > 0 },
                < 10 => change with
                {
                    Profile = random.Next(8) switch
                    {
                        < 3 => ProfileChoice.Auto,
                        < 5 => ProfileChoice.Pinned(0),
                        < 7 => ProfileChoice.Pinned(1),
                        _ => ProfileChoice.Pinned(random.Next(-1, 8)),
                    },
                },
                < 12 => change with { WeightBudget = Budget(random) },
                12 => change with { Workspace = (WorkspaceStrategy)random.Next(2) },
                _ => random.Next(3) > 0
                    ? change
                    : change with
                    {
                        RuntimeSettings = new RuntimeSettingsChange(GraphStrategy: (EngineGraphStrategy)random.Next(2)),
                    },
            };
        }

        return change;
    }

    /// <summary>A change that a forward brings along: mostly of its own settings.</summary>
    public static ModeChange? Call(Random random)
    {
        if (random.Next(5) > 0)
        {
            return null;
        }

        ModeChange change = Change(random);
        return random.Next(10) == 0 ? change : change with { WeightBudget = null, Workspace = null, RuntimeSettings = null };
    }

    public static string Text(ModeChange change) =>
        string.Join(", ", ModeField.All.Where(field => field.IsSet(change)).Select(field => $"{field.Name} = {field.Text(change)}"));

    private static WeightBudget Budget(Random random) =>
        random.Next(8) switch
        {
            < 2 => WeightBudget.Automatic,
            < 5 => WeightBudget.OfBytes(random.Next(-200, 5000)),
            5 => WeightBudget.OfFraction(1),
            _ => WeightBudget.OfFraction(random.Next(0, 110) / 100.0),
        };
}

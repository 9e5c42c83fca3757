using Troupe.Messages.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>Which modes belong to the instance and not to a forward: budget, workspace, runtime settings, profiling.</summary>
internal static class InstanceFields
{
    public static bool Same(ModeSettings a, ModeSettings b) =>
        a.WeightBudget == b.WeightBudget
        && a.Workspace == b.Workspace
        && a.RuntimeSettings == b.RuntimeSettings
        && a.Profiling == b.Profiling;
}

using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>The settings that belong to an instance: where they differ, a change is a barrier between forwards.</summary>
public static class PerInstance
{
    public static bool Differs(ModeSettings left, ModeSettings right) =>
        left.WeightBudget != right.WeightBudget
        || left.Workspace != right.Workspace
        || left.RuntimeSettings != right.RuntimeSettings
        || left.Profiling != right.Profiling;
}

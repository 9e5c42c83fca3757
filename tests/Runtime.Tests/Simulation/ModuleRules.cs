using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>Which modes a module cannot have and which contradict each other, written down again from the rules and not from the
/// product.</summary>
internal static class ModuleRules
{
    /// <summary>Settings the module's back end cannot do, in the order of the settings.</summary>
    public static IEnumerable<(ModeField Setting, FailureKind Kind, string Text)> CannotDo(ModeSettings settings, ModuleCase module)
    {
        if (settings.CudaGraphs == CudaGraphsMode.WholeModule && module.RefusesWholeCapture && !module.RequiresAllocator)
        {
            yield return (ModeField.CudaGraphs, FailureKind.NotSupported, "This model cannot be captured as a whole");
        }

        if (settings.Profile.Index is { } index && (index < 0 || index >= module.Profiles))
        {
            yield return (
                ModeField.Profile,
                FailureKind.InvalidRequest,
                $"Optimization profile index {index} out of range [0, {module.Profiles})"
            );
        }

        if (settings.WeightBudget.Kind != WeightBudgetKind.Automatic && module.Streamable == 0)
        {
            yield return (ModeField.WeightBudget, FailureKind.NotSupported, "Streamable bytes are zero.");
        }

        if (settings.Workspace == WorkspaceStrategy.Dynamic && !module.IsEmulated)
        {
            yield return (ModeField.Workspace, FailureKind.NotSupported, "The back end of this model keeps its own workspace");
        }

        if (settings.RuntimeSettings.GraphStrategy != EngineGraphStrategy.Disabled)
        {
            yield return (
                ModeField.GraphStrategy,
                FailureKind.NotSupported,
                "Kernel specialization, graph strategy and runtime cache are TRT-RTX-only"
            );
        }
    }

    /// <summary>The settings without one of them.</summary>
    public static ModeSettings Without(ModeSettings settings, ModeField setting) =>
        setting == ModeField.CudaGraphs ? settings with { CudaGraphs = CudaGraphsMode.Off }
        : setting == ModeField.Profile ? settings with { Profile = ProfileChoice.Pinned(0) }
        : setting == ModeField.WeightBudget ? settings with { WeightBudget = WeightBudget.Automatic }
        : setting == ModeField.Workspace ? settings with { Workspace = WorkspaceStrategy.Static }
        : setting == ModeField.GraphStrategy ? settings with { RuntimeSettings = RuntimeSettings.Default }
        : throw new ArgumentOutOfRangeException(nameof(setting), setting, null);

    public static (string Text, ModeField[] Between)? Contradiction(ModeSettings settings, ModuleCase module)
    {
        bool graphs = settings.CudaGraphs != CudaGraphsMode.Off;
        return module.RequiresAllocator && graphs
                ? ("The model contains submodules that require a dynamic output allocator", [ModeField.CudaGraphs])
            : settings.OutputAllocator && module.AliasedOutput is not null
                ? ($"Aliased output {module.AliasedOutput} is incompatible with dynamic output allocator.", [ModeField.OutputAllocator])
            : settings.OutputAllocator && graphs
                ? ("Both CUDA Graphs and dynamic output allocation are enabled", [ModeField.CudaGraphs, ModeField.OutputAllocator])
            : null;
    }

    /// <summary>What a graphs setting comes to.</summary>
    public static CudaGraphsMode Graphs(ModeSettings settings, ModuleCase module) =>
        settings.CudaGraphs != CudaGraphsMode.Auto ? settings.CudaGraphs
        : module.HasFallback && !module.RefusesWholeCapture ? CudaGraphsMode.WholeModule
        : CudaGraphsMode.PerSegment;

    /// <summary>What is wrong with a change in itself.</summary>
    public static string? Invalid(ModeChange change, Precedence place) =>
        change == ModeChange.None ? "The change sets no mode"
        : change.Profile is { Index: < 0 } ? "Optimization profile index"
        : change.WeightBudget is { Kind: WeightBudgetKind.Bytes, ByteCount: < 0 } ? "Requested budget cannot be negative"
        : change.WeightBudget is { Kind: WeightBudgetKind.Fraction, Share: > 1 } ? "A weight budget of"
        : place >= Precedence.Session
        && (change.WeightBudget is not null || change.Workspace is not null || change.RuntimeSettings is not null)
            ? "belongs to an instance, not to a forward"
        : change is { OutputAllocator: true, CudaGraphs: not null and not CudaGraphsMode.Off }
            ? "Both CUDA Graphs and dynamic output allocation are enabled"
        : null;
}

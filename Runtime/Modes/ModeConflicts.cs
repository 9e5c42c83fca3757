using Troupe.Messages.Failures;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Which settings contradict each other or a module, and which a module's back end cannot do: the compatibility table of
/// torch_tensorrt, with its texts.</summary>
/// <remarks>
/// Not conflicts: pre-allocated outputs with an output allocator (the allocator supplies the outputs), pre-allocated outputs of aliased
/// engines (made fresh, with a
/// warning), a dynamic workspace, a budget, a profile switch or profiling under graphs (recordings are keyed by them or made anew).
/// </remarks>
public static class ModeConflicts
{
    public const string RequiredAllocatorWithGraphs =
        "The model contains submodules that require a dynamic output allocator at runtime, which is incompatible with CUDA Graphs. Please disable CUDA Graphs.";

    public const string AllocatorWithGraphs =
        "Both CUDA Graphs and dynamic output allocation are enabled, which are incompatible runtime modes. Please disable one of the two.";

    public const string NothingStreamable = "Streamable bytes are zero. Was module complied with enable_weight_streaming=True option?";

    public const string NegativeBudget = "Requested budget cannot be negative";

    private static readonly ModeRule[] Rules =
    [
        new(
            [ModeField.CudaGraphs],
            static (settings, traits) =>
                traits.RequiresOutputAllocator && settings.CudaGraphs != CudaGraphsMode.Off ? RequiredAllocatorWithGraphs : null
        ),
        new(
            [ModeField.OutputAllocator],
            static (settings, traits) =>
                settings.OutputAllocator && traits.AliasedOutput is { } output
                    ? $"Aliased output {output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
                    : null
        ),
        new(
            [ModeField.CudaGraphs, ModeField.OutputAllocator],
            static (settings, _) => settings.OutputAllocator && settings.CudaGraphs != CudaGraphsMode.Off ? AllocatorWithGraphs : null
        ),
    ];

    /// <summary>Settings that contradict each other whatever the module; null when they do not.</summary>
    public static ModeConflict? Between(ModeSettings settings) => Between(settings, ModuleTraits.Plain);

    /// <summary>Settings that contradict each other on this module; null when they do not.</summary>
    public static ModeConflict? Between(ModeSettings settings, ModuleTraits traits)
    {
        foreach (ModeRule rule in Rules)
        {
            if (rule.Reason(settings, traits) is { } reason)
            {
                return new ModeConflict(reason, rule.Concerned);
            }
        }

        return null;
    }

    /// <summary>The first reason why a module cannot run with these settings: a contradiction, else what its back end cannot do; null when
    /// it can.</summary>
    public static ModeRefusal? Find(ModeSettings settings, ModuleTraits traits)
    {
        if (Between(settings, traits) is { } conflict)
        {
            return Refusal(conflict);
        }

        foreach (ModeField field in ModeField.All)
        {
            if (field.Unsupported(settings, traits) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    /// <summary>A contradiction as a reason not to run.</summary>
    internal static ModeRefusal Refusal(ModeConflict conflict) => new(FailureKind.ModeConflict, conflict.Reason, conflict.Concerned[0]);

    /// <summary>One row of the table.</summary>
    /// <param name="Reason">Null where the settings go together.</param>
    private sealed record ModeRule(ModeField[] Concerned, Func<ModeSettings, ModuleTraits, string?> Reason);
}

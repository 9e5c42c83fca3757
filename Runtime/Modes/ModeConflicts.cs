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

    /// <summary>Settings that contradict each other whatever the module; null when they do not.</summary>
    public static string? Between(ModeSettings settings) =>
        settings.OutputAllocator && settings.CudaGraphs != CudaGraphsMode.Off ? AllocatorWithGraphs : null;

    /// <summary>Settings that contradict each other on this module; null when they do not.</summary>
    public static string? Between(ModeSettings settings, ModuleTraits traits)
    {
        if (traits.RequiresOutputAllocator && settings.CudaGraphs != CudaGraphsMode.Off)
        {
            return RequiredAllocatorWithGraphs;
        }

        if (settings.OutputAllocator && traits.AliasedOutput is { } output)
        {
            return $"Aliased output {output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape.";
        }

        return Between(settings);
    }

    /// <summary>The settings a contradiction is between, the one to give up first.</summary>
    public static IReadOnlyList<ModeSetting> Concerned(string contradiction) =>
        contradiction switch
        {
            RequiredAllocatorWithGraphs => [ModeSetting.CudaGraphs],
            AllocatorWithGraphs => [ModeSetting.CudaGraphs, ModeSetting.OutputAllocator],
            _ => [ModeSetting.OutputAllocator],
        };

    /// <summary>Why the module's back end cannot do what one setting asks for; null when it can or when nothing is asked.</summary>
    public static ModeRefusal? Unsupported(ModeSetting setting, ModeSettings settings, ModuleTraits traits) =>
        setting switch
        {
            ModeSetting.CudaGraphs => Graphs(settings.CudaGraphs, traits),
            ModeSetting.OutputAllocator => settings.OutputAllocator && !traits.OutputAllocator && !traits.RequiresOutputAllocator
                ? NotSupported("The back end of this model takes no output allocator.")
                : null,
            ModeSetting.Profile => Profile(settings.Profile, traits),
            ModeSetting.WeightBudget => settings.WeightBudget != WeightBudget.Automatic && traits.StreamableWeightBytes == 0
                ? NotSupported(NothingStreamable)
                : null,
            ModeSetting.Workspace => settings.Workspace == WorkspaceStrategy.Dynamic && !traits.DynamicWorkspace
                ? NotSupported("The back end of this model keeps its own workspace; it cannot be allocated per call.")
                : null,
            ModeSetting.RuntimeSettings => settings.RuntimeSettings != RuntimeSettings.Default && !traits.RuntimeSettings
                ? NotSupported(
                    "Kernel specialization, graph strategy and runtime cache are TRT-RTX-only; the back end of this model is another."
                )
                : null,
            ModeSetting.Profiling => settings.Profiling != ProfilingFormat.Off && !traits.Profiling
                ? NotSupported("The back end of this model reports no layer times to profile.")
                : null,
            ModeSetting.PreAllocatedOutputs or ModeSetting.MultiDeviceSafe => null,
        };

    /// <summary>The first reason why a module cannot run with these settings: a contradiction, else what its back end cannot do; null when
    /// it can.</summary>
    public static ModeRefusal? Find(ModeSettings settings, ModuleTraits traits)
    {
        if (Between(settings, traits) is { } reason)
        {
            return new ModeRefusal(FailureKind.ModeConflict, reason, Concerned(reason)[0]);
        }

        foreach (ModeField field in ModeField.All)
        {
            if (Unsupported(field.Setting, settings, traits) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private static ModeRefusal? Graphs(CudaGraphsMode mode, ModuleTraits traits)
    {
        if (mode == CudaGraphsMode.Off || traits.RequiresOutputAllocator)
        {
            return null;
        }

        if (!traits.CudaGraphs)
        {
            return NotSupported("The back end of this model cannot record its work into CUDA graphs.");
        }

        return mode == CudaGraphsMode.WholeModule && traits.WholeCaptureObstacle is { } obstacle
            ? NotSupported($"This model cannot be captured as a whole: {obstacle}. Use per-segment graphs or automatic choice.")
            : null;
    }

    private static ModeRefusal? Profile(ProfileChoice choice, ModuleTraits traits) =>
        choice.Index is { } index && (index < 0 || index >= Math.Max(1, traits.ProfileCount))
            ? new ModeRefusal(
                FailureKind.InvalidRequest,
                $"Optimization profile index {index} out of range [0, {Math.Max(1, traits.ProfileCount)})"
            )
            : null;

    private static ModeRefusal NotSupported(string reason) => new(FailureKind.NotSupported, reason);
}

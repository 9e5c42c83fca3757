using Troupe.Messages.Failures;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <content>The modes there are. To add one: its value in <see cref="ModeChange"/> and <see cref="ModeSettings"/>, an entry here, and the
/// place where it acts.</content>
public abstract partial class ModeField
{
    private static readonly List<ModeField> Entries = [];

    /// <summary>Every mode, in the order of listings.</summary>
    public static IReadOnlyList<ModeField> All => Entries;

    public static ModeField CudaGraphs { get; } =
        Add(
            new ModeValueField<CudaGraphsMode>("cuda-graphs", ModeForms.Named<CudaGraphsMode>())
            {
                Documentation = "records the work of segments or of the whole module once and replays it",
                Changed = static change => change.CudaGraphs,
                Change = static (change, value) => change with { CudaGraphs = value },
                Value = static settings => settings.CudaGraphs,
                With = static (settings, value) => settings with { CudaGraphs = value },
                Needs = Graphs,
            }
        );

    public static ModeField PreAllocatedOutputs { get; } =
        Add(
            new ModeValueField<bool>("pre-allocated-outputs", ModeForms.OnOff)
            {
                Documentation = "keeps the outputs of a shape and overwrites them in its next forward",
                Changed = static change => change.PreAllocatedOutputs,
                Change = static (change, value) => change with { PreAllocatedOutputs = value },
                Value = static settings => settings.PreAllocatedOutputs,
                With = static (settings, value) => settings with { PreAllocatedOutputs = value },
            }
        );

    public static ModeField OutputAllocator { get; } =
        Add(
            new ModeValueField<bool>("output-allocator", ModeForms.OnOff)
            {
                Documentation = "allocates outputs while the engine runs, for shapes that depend on data",
                Changed = static change => change.OutputAllocator,
                Change = static (change, value) => change with { OutputAllocator = value },
                Value = static settings => settings.OutputAllocator,
                With = static (settings, value) => settings with { OutputAllocator = value },
                Needs = static (_, traits) =>
                    traits.OutputAllocator || traits.RequiresOutputAllocator
                        ? null
                        : NotSupported("The back end of this model takes no output allocator."),
            }
        );

    public static ModeField MultiDeviceSafe { get; } =
        Add(
            new ModeValueField<bool>("multi-device-safe", ModeForms.OnOff)
            {
                Documentation = "moves inputs from other devices to the instance and keeps the caller's device context",
                Changed = static change => change.MultiDeviceSafe,
                Change = static (change, value) => change with { MultiDeviceSafe = value },
                Value = static settings => settings.MultiDeviceSafe,
                With = static (settings, value) => settings with { MultiDeviceSafe = value },
            }
        );

    public static ModeField Profile { get; } =
        Add(
            new ModeValueField<ProfileChoice>("profile", ModeForms.Profile)
            {
                Documentation = "pins an optimization profile or chooses one by shape",
                Changed = static change => change.Profile,
                Change = static (change, value) => change with { Profile = value },
                Value = static settings => settings.Profile,
                With = static (settings, value) => settings with { Profile = value },
                Needs = static (choice, traits) =>
                    choice.Index is { } index && (index < 0 || index >= Math.Max(1, traits.ProfileCount))
                        ? new ModeRefusal(
                            FailureKind.InvalidRequest,
                            $"Optimization profile index {index} out of range [0, {Math.Max(1, traits.ProfileCount)})"
                        )
                        : null,
            }
        );

    public static ModeField WeightBudget { get; } =
        Add(
            new ModeValueField<WeightBudget>("weight-budget", ModeForms.Budget)
            {
                Documentation = "device memory for streamable weights, per instance",
                Holder = ModeHolder.Instance,
                Changed = static change => change.WeightBudget,
                Change = static (change, value) => change with { WeightBudget = value },
                Value = static settings => settings.WeightBudget,
                With = static (settings, value) => settings with { WeightBudget = value },
                Needs = static (_, traits) => traits.StreamableWeightBytes == 0 ? NotSupported(ModeConflicts.NothingStreamable) : null,
            }
        );

    public static ModeField Workspace { get; } =
        Add(
            new ModeValueField<WorkspaceStrategy>("workspace", ModeForms.Named<WorkspaceStrategy>())
            {
                Documentation = "who owns scratch memory: the engine, or each call",
                Holder = ModeHolder.Instance,
                Changed = static change => change.Workspace,
                Change = static (change, value) => change with { Workspace = value },
                Value = static settings => settings.Workspace,
                With = static (settings, value) => settings with { Workspace = value },
                Needs = static (_, traits) =>
                    traits.DynamicWorkspace
                        ? null
                        : NotSupported("The back end of this model keeps its own workspace; it cannot be allocated per call."),
            }
        );

    public static ModeField KernelSpecialization { get; } =
        Add(
            new ModeValueField<KernelSpecialization>("kernel-specialization", ModeForms.Named<KernelSpecialization>())
            {
                Documentation = "when kernels are specialized to shapes (TensorRT-RTX)",
                Holder = ModeHolder.Instance,
                Changed = static change => change.RuntimeSettings?.Specialization,
                Change = static (change, value) => With(change, Knobs(change) with { Specialization = value }),
                Value = static settings => settings.RuntimeSettings.Specialization,
                With = static (settings, value) =>
                    settings with
                    {
                        RuntimeSettings = settings.RuntimeSettings with { Specialization = value },
                    },
                Needs = static (_, traits) => OnlyOnRtx(traits),
            }
        );

    public static ModeField GraphStrategy { get; } =
        Add(
            new ModeValueField<EngineGraphStrategy>("graph-strategy", ModeForms.Named<EngineGraphStrategy>())
            {
                Documentation = "whether the engine captures graphs itself (TensorRT-RTX)",
                Holder = ModeHolder.Instance,
                Changed = static change => change.RuntimeSettings?.GraphStrategy,
                Change = static (change, value) => With(change, Knobs(change) with { GraphStrategy = value }),
                Value = static settings => settings.RuntimeSettings.GraphStrategy,
                With = static (settings, value) =>
                    settings with
                    {
                        RuntimeSettings = settings.RuntimeSettings with { GraphStrategy = value },
                    },
                Needs = static (_, traits) => OnlyOnRtx(traits),
            }
        );

    public static ModeField RuntimeCache { get; } =
        Add(
            new ModeValueField<RuntimeCacheChoice>("runtime-cache", ModeForms.Cache)
            {
                Documentation = "where compiled kernels are kept (TensorRT-RTX)",
                Holder = ModeHolder.Instance,
                Changed = static change => change.RuntimeSettings?.Cache,
                Change = static (change, value) => With(change, Knobs(change) with { Cache = value }),
                Value = static settings => new RuntimeCacheChoice(settings.RuntimeSettings.CachePath),
                With = static (settings, value) =>
                    settings with
                    {
                        RuntimeSettings = settings.RuntimeSettings with { CachePath = value.Path },
                    },
                Needs = static (_, traits) => OnlyOnRtx(traits),
            }
        );

    public static ModeField Profiling { get; } =
        Add(
            new ModeValueField<ProfilingFormat>("profiling", ModeForms.Named<ProfilingFormat>())
            {
                Documentation = "writes the layer times of forwards",
                Holder = ModeHolder.Instance,
                Changed = static change => change.Profiling,
                Change = static (change, value) => change with { Profiling = value },
                Value = static settings => settings.Profiling,
                With = static (settings, value) => settings with { Profiling = value },
                Needs = static (_, traits) =>
                    traits.Profiling ? null : NotSupported("The back end of this model reports no layer times to profile."),
            }
        );

    public static ModeField Audit { get; } =
        Add(
            new ModeValueField<bool>("audit", ModeForms.OnOff)
            {
                Documentation = "counts what becomes of each forward, for the scope that asked for it",
                Holder = ModeHolder.Router,
                Changed = static change => change.Audit,
                Change = static (change, value) => change with { Audit = value },
                Value = static settings => settings.Audit,
                With = static (settings, value) => settings with { Audit = value },
            }
        );

    public static ModeField Version { get; } =
        Add(
            new ModeValueField<VersionChoice>("version", VersionRule.Form)
            {
                Documentation = "says which version a forward takes that names none",
                Holder = ModeHolder.Version,
                Changed = static change => change.Version,
                Change = static (change, value) => change with { Version = value },
                Value = static settings => settings.Version,
                With = static (settings, value) => settings with { Version = value },
            }
        );

    private static ModeField Add(ModeField field)
    {
        field.Index = Entries.Count;
        Entries.Add(field);
        return field;
    }

    private static ModeRefusal? Graphs(CudaGraphsMode mode, ModuleTraits traits)
    {
        if (traits.RequiresOutputAllocator)
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

    private static ModeRefusal? OnlyOnRtx(ModuleTraits traits) =>
        traits.RuntimeSettings
            ? null
            : NotSupported(
                "Kernel specialization, graph strategy and runtime cache are TRT-RTX-only; the back end of this model is another."
            );

    private static RuntimeSettingsChange Knobs(ModeChange change) => change.RuntimeSettings ?? new RuntimeSettingsChange();

    /// <summary>One that sets no knob is none.</summary>
    private static ModeChange With(ModeChange change, RuntimeSettingsChange knobs) =>
        change with
        {
            RuntimeSettings = knobs == new RuntimeSettingsChange() ? null : knobs,
        };

    private static ModeRefusal NotSupported(string reason) => new(FailureKind.NotSupported, reason);
}

using System.Globalization;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>One mode as a field that changes may set and settings hold, so that folds, listings and checks treat all modes alike.</summary>
public sealed class ModeField
{
    private static readonly ModeChange Defaults = ChangeTo(ModeSettings.Default);

    private readonly Func<ModeChange, bool> _isSet;
    private readonly Func<ModeSettings, ModeChange, ModeSettings> _take;
    private readonly Func<ModeChange, ModeChange, ModeChange> _overlay;
    private readonly Func<ModeSettings, string> _text;

    private ModeField(
        ModeSetting setting,
        bool perInstance,
        Func<ModeChange, bool> isSet,
        Func<ModeSettings, ModeChange, ModeSettings> take,
        Func<ModeChange, ModeChange, ModeChange> overlay,
        Func<ModeSettings, string> text
    )
    {
        Setting = setting;
        PerInstance = perInstance;
        _isSet = isSet;
        _take = take;
        _overlay = overlay;
        _text = text;
    }

    /// <summary>In the order of <see cref="ModeSetting"/>; the index of a field is its setting's value.</summary>
    public static IReadOnlyList<ModeField> All { get; } =
    [
        new(
            ModeSetting.CudaGraphs,
            false,
            c => c.CudaGraphs is not null,
            (s, c) => s with { CudaGraphs = c.CudaGraphs!.Value },
            (o, c) => o with { CudaGraphs = c.CudaGraphs },
            s => s.CudaGraphs.ToString()
        ),
        new(
            ModeSetting.PreAllocatedOutputs,
            false,
            c => c.PreAllocatedOutputs is not null,
            (s, c) => s with { PreAllocatedOutputs = c.PreAllocatedOutputs!.Value },
            (o, c) => o with { PreAllocatedOutputs = c.PreAllocatedOutputs },
            s => OnOff(s.PreAllocatedOutputs)
        ),
        new(
            ModeSetting.OutputAllocator,
            false,
            c => c.OutputAllocator is not null,
            (s, c) => s with { OutputAllocator = c.OutputAllocator!.Value },
            (o, c) => o with { OutputAllocator = c.OutputAllocator },
            s => OnOff(s.OutputAllocator)
        ),
        new(
            ModeSetting.MultiDeviceSafe,
            false,
            c => c.MultiDeviceSafe is not null,
            (s, c) => s with { MultiDeviceSafe = c.MultiDeviceSafe!.Value },
            (o, c) => o with { MultiDeviceSafe = c.MultiDeviceSafe },
            s => OnOff(s.MultiDeviceSafe)
        ),
        new(
            ModeSetting.Profile,
            false,
            c => c.Profile is not null,
            (s, c) => s with { Profile = c.Profile!.Value },
            (o, c) => o with { Profile = c.Profile },
            s => s.Profile.Index is { } index ? index.ToString(CultureInfo.InvariantCulture) : "auto"
        ),
        new(
            ModeSetting.WeightBudget,
            true,
            c => c.WeightBudget is not null,
            (s, c) => s with { WeightBudget = c.WeightBudget!.Value },
            (o, c) => o with { WeightBudget = c.WeightBudget },
            s => Budget(s.WeightBudget)
        ),
        new(
            ModeSetting.Workspace,
            true,
            c => c.Workspace is not null,
            (s, c) => s with { Workspace = c.Workspace!.Value },
            (o, c) => o with { Workspace = c.Workspace },
            s => s.Workspace.ToString()
        ),
        new(
            ModeSetting.RuntimeSettings,
            true,
            c => c.RuntimeSettings is { } r && r != new RuntimeSettingsChange(),
            (s, c) => s with { RuntimeSettings = With(s.RuntimeSettings, c.RuntimeSettings!) },
            (o, c) => o with { RuntimeSettings = Over(o.RuntimeSettings, c.RuntimeSettings!) },
            s => Settings(s.RuntimeSettings)
        ),
        new(
            ModeSetting.Profiling,
            true,
            c => c.Profiling is not null,
            (s, c) => s with { Profiling = c.Profiling!.Value },
            (o, c) => o with { Profiling = c.Profiling },
            s => s.Profiling.ToString()
        ),
    ];

    public ModeSetting Setting { get; }

    /// <summary>The setting belongs to an instance and not to a forward: changing it is a barrier, and it is refused below model
    /// scope.</summary>
    public bool PerInstance { get; }

    public bool IsSet(ModeChange change) => _isSet(change);

    /// <summary><paramref name="settings"/> with this field taken from <paramref name="change"/>, which sets it.</summary>
    public ModeSettings Take(ModeSettings settings, ModeChange change) => _take(settings, change);

    /// <summary><paramref name="settings"/> with this field as it is where nothing sets it.</summary>
    public ModeSettings Reset(ModeSettings settings) => _take(settings, Defaults);

    /// <summary><paramref name="below"/> with this field as <paramref name="above"/> has it.</summary>
    public ModeChange Overlay(ModeChange below, ModeChange above) => _overlay(below, above);

    /// <summary>Whether <paramref name="above"/> leaves nothing to see of this field in <paramref name="below"/>.</summary>
    public bool Hides(ModeChange above, ModeChange below) =>
        IsSet(above)
        && (Setting != ModeSetting.RuntimeSettings || Over(below.RuntimeSettings, above.RuntimeSettings!) == above.RuntimeSettings);

    /// <summary>The value in words.</summary>
    public string Text(ModeSettings settings) => _text(settings);

    /// <summary>The change that sets every field to what <paramref name="settings"/> has.</summary>
    public static ModeChange ChangeTo(ModeSettings settings) =>
        new()
        {
            CudaGraphs = settings.CudaGraphs,
            PreAllocatedOutputs = settings.PreAllocatedOutputs,
            OutputAllocator = settings.OutputAllocator,
            MultiDeviceSafe = settings.MultiDeviceSafe,
            Profile = settings.Profile,
            WeightBudget = settings.WeightBudget,
            Workspace = settings.Workspace,
            RuntimeSettings = new RuntimeSettingsChange(
                settings.RuntimeSettings.Specialization,
                settings.RuntimeSettings.GraphStrategy,
                new RuntimeCacheChoice(settings.RuntimeSettings.CachePath)
            ),
            Profiling = settings.Profiling,
        };

    private static string OnOff(bool value) => value ? "on" : "off";

    private static string Budget(WeightBudget budget) =>
        budget.Kind switch
        {
            WeightBudgetKind.Automatic => "automatic",
            WeightBudgetKind.Bytes => string.Create(CultureInfo.InvariantCulture, $"{budget.ByteCount} bytes"),
            WeightBudgetKind.Fraction => string.Create(CultureInfo.InvariantCulture, $"{budget.Share:0.####} of the streamable weights"),
        };

    private static RuntimeSettings With(RuntimeSettings settings, RuntimeSettingsChange change) =>
        new(
            change.Specialization ?? settings.Specialization,
            change.GraphStrategy ?? settings.GraphStrategy,
            change.Cache is { } cache ? cache.Path : settings.CachePath
        );

    private static RuntimeSettingsChange Over(RuntimeSettingsChange? below, RuntimeSettingsChange above) =>
        new(above.Specialization ?? below?.Specialization, above.GraphStrategy ?? below?.GraphStrategy, above.Cache ?? below?.Cache);

    private static string Settings(RuntimeSettings settings) =>
        $"{settings.Specialization}, {settings.GraphStrategy}, cache {settings.CachePath switch { null => "none", "" => "in memory", var path => path }}";
}

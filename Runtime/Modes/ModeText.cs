using System.Globalization;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Modes as people and other programs write them: a name and a value, both text; the same words on the command line, over HTTP and
/// in request parameters.</summary>
public static class ModeText
{
    /// <summary>The prefix of modes among the parameters of a V2 request, e.g. <c>troupe_cuda_graphs</c>.</summary>
    public const string ParameterPrefix = "troupe_";

    private static readonly (string Name, string Form)[] Known =
    [
        ("cuda_graphs", "off, per_segment, whole_module or auto"),
        ("pre_allocated_outputs", "on or off"),
        ("output_allocator", "on or off"),
        ("multi_device_safe", "on or off"),
        ("profile", "auto or an index from 0"),
        ("weight_budget", "automatic, a number of bytes, or a percentage of the streamable weights such as 70%"),
        ("workspace", "static or dynamic"),
        ("kernel_specialization", "lazy, eager or none"),
        ("graph_strategy", "disabled or whole_graph_capture"),
        ("runtime_cache", "none, memory or a name in the node's cache folder"),
        ("profiling", "off, trex or perfetto"),
    ];

    /// <summary>The names there are, with what each may be.</summary>
    public static IReadOnlyList<(string Name, string Form)> Names => Known;

    /// <summary><paramref name="change"/> with one more mode set; false, with what is wrong in <paramref name="error"/>, for an unknown
    /// name or value. Dashes do for underscores.</summary>
    public static bool TryAdd(ref ModeChange change, string name, string value, out string error)
    {
        string key = name.Replace('-', '_').ToLowerInvariant();
        string word = value.Trim();
        ModeChange? added = key switch
        {
            "cuda_graphs" => Word<CudaGraphsMode>(word) is { } graphs ? change with { CudaGraphs = graphs } : null,
            "pre_allocated_outputs" => Flag(word) is { } flag ? change with { PreAllocatedOutputs = flag } : null,
            "output_allocator" => Flag(word) is { } flag ? change with { OutputAllocator = flag } : null,
            "multi_device_safe" => Flag(word) is { } flag ? change with { MultiDeviceSafe = flag } : null,
            "profile" => Profile(word) is { } profile ? change with { Profile = profile } : null,
            "weight_budget" => Budget(word) is { } budget ? change with { WeightBudget = budget } : null,
            "workspace" => Word<WorkspaceStrategy>(word) is { } workspace ? change with { Workspace = workspace } : null,
            "kernel_specialization" => Word<KernelSpecialization>(word) is { } kernels
                ? change with
                {
                    RuntimeSettings = (change.RuntimeSettings ?? new()) with { Specialization = kernels },
                }
                : null,
            "graph_strategy" => Word<EngineGraphStrategy>(word) is { } strategy
                ? change with
                {
                    RuntimeSettings = (change.RuntimeSettings ?? new()) with { GraphStrategy = strategy },
                }
                : null,
            "runtime_cache" => word.Length > 0
                ? change with
                {
                    RuntimeSettings = (change.RuntimeSettings ?? new()) with { Cache = Cache(word) },
                }
                : null,
            "profiling" => Word<ProfilingFormat>(word) is { } format ? change with { Profiling = format } : null,
            _ => null,
        };
        if (added is not null)
        {
            change = added;
            error = "";
            return true;
        }

        int known = Array.FindIndex(Known, entry => entry.Name == key);
        error =
            known >= 0
                ? $"mode '{Known[known].Name}' has no value '{value}'; it is {Known[known].Form}"
                : $"there is no mode '{name}'; there are {string.Join(", ", Known.Select(entry => entry.Name))}";
        return false;
    }

    /// <summary>The modes a change sets, in the order of <see cref="Names"/>; <see cref="TryAdd"/> reads them back.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Write(ModeChange change)
    {
        string?[] values =
        [
            Words(change.CudaGraphs),
            OnOff(change.PreAllocatedOutputs),
            OnOff(change.OutputAllocator),
            OnOff(change.MultiDeviceSafe),
            change.Profile is { } profile ? profile.Index?.ToString(CultureInfo.InvariantCulture) ?? "auto" : null,
            change.WeightBudget is { } budget ? Text(budget) : null,
            Words(change.Workspace),
            Words(change.RuntimeSettings?.Specialization),
            Words(change.RuntimeSettings?.GraphStrategy),
            change.RuntimeSettings?.Cache is { } cache
                ? cache.Path switch
                {
                    null => "none",
                    "" => "memory",
                    var path => path,
                }
                : null,
            Words(change.Profiling),
        ];
        for (int i = 0; i < values.Length; i++)
        {
            if (values[i] is { } value)
            {
                yield return KeyValuePair.Create(Known[i].Name, value);
            }
        }
    }

    private static T? Word<T>(string word)
        where T : struct, Enum
    {
        foreach (T value in Enum.GetValues<T>())
        {
            if (string.Equals(Words<T>(value), word.Replace('-', '_'), StringComparison.OrdinalIgnoreCase))
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>The name of a value in small letters, words joined by underscores.</summary>
    private static string? Words<T>(T? value)
        where T : struct, Enum =>
        value is { } given
            ? string.Concat(
                given
                    .ToString()
                    .Select(
                        (letter, i) =>
                            i > 0 && char.IsUpper(letter) ? "_" + char.ToLowerInvariant(letter) : char.ToLowerInvariant(letter).ToString()
                    )
            )
            : null;

    private static bool? Flag(string word) =>
        word.ToLowerInvariant() switch
        {
            "on" or "true" => true,
            "off" or "false" => false,
            _ => null,
        };

    private static string? OnOff(bool? value) =>
        value is { } flag
            ? flag
                ? "on"
                : "off"
            : null;

    private static ProfileChoice? Profile(string word) =>
        string.Equals(word, "auto", StringComparison.OrdinalIgnoreCase) ? ProfileChoice.Auto
        : int.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index) ? ProfileChoice.Pinned(index)
        : null;

    private static WeightBudget? Budget(string word) =>
        string.Equals(word, "automatic", StringComparison.OrdinalIgnoreCase) ? WeightBudget.Automatic
        : word.EndsWith('%')
        && double.TryParse(word.AsSpan(0, word.Length - 1), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent)
            ? WeightBudget.OfFraction(percent / 100)
        : long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long bytes) ? WeightBudget.OfBytes(bytes)
        : null;

    private static string Text(WeightBudget budget) =>
        budget.Kind switch
        {
            WeightBudgetKind.Automatic => "automatic",
            WeightBudgetKind.Bytes => budget.ByteCount.ToString(CultureInfo.InvariantCulture),
            WeightBudgetKind.Fraction => string.Create(CultureInfo.InvariantCulture, $"{budget.Share * 100:0.######}%"),
        };

    private static RuntimeCacheChoice Cache(string word) =>
        word switch
        {
            "none" => RuntimeCacheChoice.None,
            "memory" => RuntimeCacheChoice.InMemory,
            _ => RuntimeCacheChoice.File(word),
        };
}

using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Troupe.Hosting.Options;

/// <summary>Checks <see cref="ServeOptions"/>: every problem becomes one message that names key, value and fix.</summary>
internal sealed partial class ServeSpecReader(ServeOptions options)
{
    private const string BoundForm = "write a time from 1ms to 24h, e.g. 30s";

    private const string SwitchForm = "write on or off";

    private static readonly TimeSpan LeastPoll = TimeSpan.FromMilliseconds(100);

    private readonly List<OptionProblem> _problems = [.. options.Problems];

    /// <summary>The checked settings; meaningful only where <paramref name="problems"/> is empty.</summary>
    public static ServeSpec Read(ServeOptions options, out IReadOnlyList<OptionProblem> problems)
    {
        ServeSpecReader reader = new(options);
        ServeSpec spec = reader.Read();
        problems = reader._problems;
        return spec;
    }

    private ServeSpec Read()
    {
        RefuseRepeated();
        ServeSpec standard = new();
        ServeSpec spec = new()
        {
            Models = Repositories(),
            AllowPath =
            [
                .. options
                    .Values(OptionKeys.AllowPath)
                    .Select(written => ExistingPath(written, Directory.Exists, "there is no such folder; name an existing one"))
                    .OfType<string>(),
            ],
            Load = options.Values(OptionKeys.Load) is { Count: > 0 } names
                ? [.. names.Select(written => written.Text).Where(name => name != "none").Distinct()]
                : null,
            Versions = Versions(),
            ModelControl = Parse(OptionKeys.ModelControl, standard.ModelControl, TryParseWord, "write none, poll or explicit"),
            PollInterval = Parse(OptionKeys.PollInterval, standard.PollInterval, TryParsePoll, "write a time from 100ms to 24h, e.g. 15s"),
            StrictReadiness = Parse(OptionKeys.StrictReadiness, standard.StrictReadiness, TryParseSwitch, SwitchForm),
            LoadTimeout = Parse(OptionKeys.LoadTimeout, standard.LoadTimeout, TryParseBound, BoundForm),
            ProbeLoads = Parse(OptionKeys.ProbeLoads, standard.ProbeLoads, TryParseWord, "write auto, on or off"),
            ProbeTimeout = Parse(OptionKeys.ProbeTimeout, standard.ProbeTimeout, TryParseBound, BoundForm),
            ProbeMemoryBytes = Parse(OptionKeys.ProbeMemory, standard.ProbeMemoryBytes, Quantities.TryParseBytes, Quantities.BytesForm),
            Devices = Parse(OptionKeys.Devices, standard.Devices, DeviceChoice.TryParse, DeviceChoice.Form),
            Http = Address(OptionKeys.Http, mayBeOff: false) ?? standard.Http,
            Metrics = IsOff(OptionKeys.Metrics) ? null : Address(OptionKeys.Metrics, mayBeOff: true) ?? standard.Metrics,
            Cluster = IsOff(OptionKeys.Cluster) ? null : Address(OptionKeys.Cluster, mayBeOff: true) ?? standard.Cluster,
            Join =
            [
                .. options
                    .Values(OptionKeys.Join)
                    .Select(written => Address(OptionKeys.Join, written, mayBeOff: false))
                    .OfType<ListenAddress>(),
            ],
            QueueLimit = WholeNumber(OptionKeys.QueueLimit, standard.QueueLimit, 1_000_000),
            Lanes = WholeNumber(OptionKeys.Lanes, standard.Lanes, 64),
            DeviceMemoryBytes = Parse(OptionKeys.DeviceMemory, standard.DeviceMemoryBytes, TryParseBytes, Quantities.BytesForm),
            SeparateBlocks = Parse(OptionKeys.SeparateBlocks, standard.SeparateBlocks, TryParseSwitch, SwitchForm),
            CacheFolder = ExistingPath(OptionKeys.CacheFolder, Directory.Exists, "there is no such folder; name an existing one"),
            MaxOutputBytes = Parse(OptionKeys.MaxOutput, standard.MaxOutputBytes, Quantities.TryParseBytes, Quantities.BytesForm),
            MaxRequestBytes = Parse(
                OptionKeys.MaxRequest,
                standard.MaxRequestBytes,
                (string text, out long bytes) => Quantities.TryParseBytes(text, out bytes) && bytes <= int.MaxValue,
                $"{Quantities.BytesForm}, at most {int.MaxValue}"
            ),
            MaxRequestMemoryBytes = Parse(
                OptionKeys.MaxRequestMemory,
                standard.MaxRequestMemoryBytes,
                (string text, out long bytes) => Quantities.TryParseBytes(text, out bytes) && bytes <= MachineBytes,
                $"{Quantities.BytesForm}, at most the {MachineBytes} bytes that this process may use here"
            ),
            DefaultMaxBatchSize = WholeNumber(OptionKeys.DefaultMaxBatchSize, standard.DefaultMaxBatchSize, 1_000_000, least: 0),
            RequestTimeouts = Parse(OptionKeys.RequestTimeouts, standard.RequestTimeouts, TryParseSwitch, SwitchForm),
            DrainTimeout = Parse(OptionKeys.DrainTimeout, standard.DrainTimeout, Quantities.TryParseTime, Quantities.TimeForm),
            Watchdog = Parse(OptionKeys.Watchdog, standard.Watchdog, TryParseWatchdog, "write a time from 1s to 24h, e.g. 20s"),
            NativeLibraries = ExistingPath(OptionKeys.NativeLibraries, Directory.Exists, "there is no such folder; name an existing one"),
            WarmUp = Parse(OptionKeys.WarmUp, standard.WarmUp, TryParseSwitch, SwitchForm),
            Hocon = ExistingPath(OptionKeys.Hocon, File.Exists, "there is no such file"),
            LogLevel = Parse(
                OptionKeys.LogLevel,
                standard.LogLevel,
                TryParseLevel,
                "write trace, debug, information, warning, error or critical"
            ),
            LogFormat = Parse(OptionKeys.LogFormat, standard.LogFormat, TryParseFormat, "write line or json"),
        };
        CheckTogether(spec);
        return spec;
    }

    /// <summary>Memory of the machine, or of the container where that has less.</summary>
    private static long MachineBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    private delegate bool Parser<T>(string text, [MaybeNullWhen(false)] out T value);

    private T Parse<T>(OptionKey key, T standard, Parser<T> parse, string fix)
    {
        if (options.Value(key) is not { } written)
        {
            return standard;
        }

        if (parse(written.Text, out T? value))
        {
            return value;
        }

        Problem(written, fix);
        return standard;
    }

    private int WholeNumber(OptionKey key, int standard, int most, int least = 1) =>
        Parse(
            key,
            standard,
            (string text, out int value) =>
                int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most,
            $"write a whole number from {least} to {most}"
        );

    private static bool TryParseBytes(string text, out long? bytes)
    {
        bool isOne = Quantities.TryParseBytes(text, out long count);
        bytes = count;
        return isOne;
    }

    private bool IsOff(OptionKey key) => options.Value(key)?.Text == "off";

    private ListenAddress? Address(OptionKey key, bool mayBeOff) =>
        options.Value(key) is { } written ? Address(key, written, mayBeOff) : null;

    private ListenAddress? Address(OptionKey key, WrittenValue written, bool mayBeOff)
    {
        if (!ListenAddress.TryParse(written.Text, out ListenAddress? address, out string? problem))
        {
            Problem(written, $"{problem}; {ListenAddress.Form}{(mayBeOff ? ", or off" : "")}");
        }
        else if (address.IsWildcard && (key == OptionKeys.Cluster || key == OptionKeys.Join))
        {
            Problem(written, "other nodes must be able to call this address; name a host or an interface's own address");
        }
        else if (key == OptionKeys.Join && address.Port == 0)
        {
            Problem(written, "a node to join has a port above 0");
        }

        return address;
    }

    /// <summary>Each of them once: of two models of one name nobody could tell which is meant.</summary>
    private List<string> Repositories()
    {
        var folders = new List<string>();
        foreach (WrittenValue written in options.Values(OptionKeys.Models))
        {
            const string Fix = "there is no such folder; name an existing one or leave it out to route only";
            if (ExistingPath(written, Directory.Exists, Fix) is not { } folder)
            {
                continue;
            }

            if (folders.Contains(Path.TrimEndingDirectorySeparator(folder)))
            {
                Problem(written, "this folder is given twice; leave one");
            }

            folders.Add(Path.TrimEndingDirectorySeparator(folder));
        }

        return folders;
    }

    private string? ExistingPath(OptionKey key, Predicate<string> exists, string fix) =>
        options.Value(key) is { } written ? ExistingPath(written, exists, fix) : null;

    private string? ExistingPath(WrittenValue written, Predicate<string> exists, string fix)
    {
        if (string.IsNullOrWhiteSpace(written.Text) || written.Text.Contains('\0', StringComparison.Ordinal))
        {
            Problem(written, "this is no path; name one or leave the option out");
            return null;
        }

        string path = Path.GetFullPath(written.Text);
        if (!exists(path))
        {
            _problems.Add(new OptionProblem($"{written.Place}: '{written.Text}': {fix}", IsMissingPath: true));
        }
        else if (Unreadable(path) is { } trouble)
        {
            _problems.Add(new OptionProblem($"{written.Place}: '{written.Text}' cannot be read: {trouble}", IsMissingPath: true));
        }

        return path;
    }

    private static string? Unreadable(string path)
    {
        try
        {
            if (Directory.Exists(path))
            {
                _ = Directory.EnumerateFileSystemEntries(path).Any();
            }
            else
            {
                using FileStream file = File.OpenRead(path);
            }

            return null;
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            return trouble.Message;
        }
    }

    /// <summary>Of two values of one setting nobody can tell which was meant.</summary>
    private void RefuseRepeated()
    {
        foreach (OptionKey key in OptionKeys.All.Where(key => !key.IsList && options.Values(key).Count > 1))
        {
            _problems.Add(new OptionProblem($"{options.Value(key)!.Value.Place} is given twice; leave one", IsMissingPath: false));
        }
    }

    private void CheckTogether(ServeSpec spec)
    {
        if (spec.ModelControl == ModelControl.Poll && options.Value(OptionKeys.Load) is { } load)
        {
            Problem(load, "a polled repository is served whole; leave out --load or --model-control poll");
        }

        if (spec.ModelControl == ModelControl.Poll && spec.Models.Count == 0)
        {
            Problem(options.Value(OptionKeys.ModelControl)!.Value, "there is no repository to look at; name one with --models");
        }

        if (spec.ModelControl != ModelControl.Poll && options.Value(OptionKeys.PollInterval) is { } interval)
        {
            Problem(interval, "nothing is polled; add --model-control poll or leave it out");
        }

        if (spec.Cluster is null && options.Value(OptionKeys.Join) is { } join)
        {
            Problem(join, "a node alone joins nobody; leave out --cluster off or --join");
        }

        if (
            spec.MaxRequestMemoryBytes < spec.MaxRequestBytes
            && (options.Value(OptionKeys.MaxRequestMemory) ?? options.Value(OptionKeys.MaxRequest)) is { } smaller
        )
        {
            Problem(
                smaller,
                $"one body alone may have {spec.MaxRequestBytes} bytes, all together {spec.MaxRequestMemoryBytes}; raise --max-request-memory or lower --max-request"
            );
        }

        (OptionKey Key, ListenAddress? Address)[] listening =
        [
            (OptionKeys.Http, spec.Http),
            (OptionKeys.Metrics, spec.Metrics),
            (OptionKeys.Cluster, spec.Cluster),
        ];
        foreach (
            IGrouping<ListenAddress, (OptionKey Key, ListenAddress? Address)>? same in listening
                .Where(one => one.Address is { Port: > 0 })
                .GroupBy(one => one.Address!)
                .Where(group => group.Count() > 1)
        )
        {
            _problems.Add(
                new OptionProblem(
                    $"{string.Join(" and ", same.Select(one => one.Key.Switch))} are both {same.Key}; give each a port of its own",
                    IsMissingPath: false
                )
            );
        }
    }

    private void Problem(WrittenValue written, string fix) =>
        _problems.Add(new OptionProblem($"{written.Place}: '{written.Text}': {fix}", IsMissingPath: false));
}

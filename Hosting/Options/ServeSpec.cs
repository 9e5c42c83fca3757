using System.Collections.ObjectModel;
using Troupe.Messages.Modes;

namespace Troupe.Hosting.Options;

/// <summary>How log entries look on standard output.</summary>
internal enum LogFormat
{
    Line,
    Json,
}

/// <summary>Which models are first tried in a process of their own.</summary>
internal enum ProbeLoads
{
    /// <summary>Those that are asked for from outside.</summary>
    Auto,

    /// <summary>Those loaded at start as well.</summary>
    On,

    Off,
}

/// <summary>Who loads and unloads models once a node has started.</summary>
internal enum ModelControl
{
    /// <summary>Whoever asks.</summary>
    Explicit,

    /// <summary>The repository, by what changes in it.</summary>
    Poll,

    /// <summary>Nobody.</summary>
    None,
}

/// <summary>The checked settings of one node; immutable. Made by <see cref="ServeSpecReader"/>.</summary>
internal sealed record ServeSpec
{
    /// <summary>Absolute paths of the model repositories; none: the node routes only, until models are loaded.</summary>
    public IReadOnlyList<string> Models { get; init; } = [];

    /// <summary>Names to load at start; null: every model of the repositories.</summary>
    public IReadOnlyList<string>? Load { get; init; }

    /// <summary>Of models by name which version takes requests that name none.</summary>
    public IReadOnlyDictionary<string, VersionChoice> Versions { get; init; } = ReadOnlyDictionary<string, VersionChoice>.Empty;

    /// <summary>Absolute paths of folders below which others may name a path to load, beside <see cref="Models"/>.</summary>
    public IReadOnlyList<string> AllowPath { get; init; } = [];

    /// <value><c>explicit</c></value>
    public ModelControl ModelControl { get; init; } = ModelControl.Explicit;

    /// <value>15 s, as Triton has it.</value>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <value>on</value>
    public bool StrictReadiness { get; init; } = true;

    /// <value>5 min</value>
    public TimeSpan LoadTimeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <value><c>auto</c></value>
    public ProbeLoads ProbeLoads { get; init; } = ProbeLoads.Auto;

    /// <value>30 s</value>
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <value>4 GiB</value>
    public long ProbeMemoryBytes { get; init; } = 4L << 30;

    /// <value><c>auto</c></value>
    public DeviceChoice Devices { get; init; } = new(DeviceKind.Auto, DeviceChoice.DefaultCount);

    /// <value><c>127.0.0.1:8000</c></value>
    public ListenAddress Http { get; init; } = new("127.0.0.1", 8000);

    /// <value><c>127.0.0.1:8002</c>; null: no metrics.</value>
    public ListenAddress? Metrics { get; init; } = new("127.0.0.1", 8002);

    /// <value><c>127.0.0.1:4053</c>; null: a node alone, without remoting.</value>
    public ListenAddress? Cluster { get; init; } = new("127.0.0.1", 4053);

    public IReadOnlyList<ListenAddress> Join { get; init; } = [];

    /// <value>1024</value>
    public int QueueLimit { get; init; } = 1024;

    /// <value>2</value>
    public int Lanes { get; init; } = 2;

    /// <summary>Memory of each emulated device; of a real one what is taken of it at most.</summary>
    /// <value>Null: 2 GiB of an emulated device, nine tenths of what is free of a real one.</value>
    public long? DeviceMemoryBytes { get; init; }

    /// <summary>Every block of device memory is an allocation of its own, for tools that watch allocations.</summary>
    public bool SeparateBlocks { get; init; }

    /// <summary>Absolute path of the folder of runtime caches; null: a folder of this user below the temporary one.</summary>
    public string? CacheFolder { get; init; }

    /// <value>64 MiB, as Triton has it.</value>
    public long MaxRequestBytes { get; init; } = 64L << 20;

    /// <summary>Most bytes of the bodies of all requests in flight.</summary>
    public long MaxRequestMemoryBytes { get; init; } = 1L << 30;

    /// <summary>Of the outputs of one forward together, those that are asked for.</summary>
    /// <value>1 GiB</value>
    public long MaxOutputBytes { get; init; } = 1L << 30;

    /// <value>4, as Triton has it; 0: no model is batched.</value>
    public int DefaultMaxBatchSize { get; init; } = 4;

    /// <value>off: recorded clients send 1 µs and expect an answer.</value>
    public bool RequestTimeouts { get; init; }

    /// <value>30 s</value>
    public TimeSpan DrainTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <value>20 s</value>
    public TimeSpan Watchdog { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Absolute path of the folder of ONNX Runtime's libraries; null: beside the executable.</summary>
    public string? NativeLibraries { get; init; }

    /// <value>on; off where there is nothing of its own to warm.</value>
    public bool WarmUp { get; init; } = true;

    /// <summary>Absolute path of a HOCON file laid over <c>akka.hocon</c>.</summary>
    public string? Hocon { get; init; }

    /// <value>information</value>
    public LogLevel LogLevel { get; init; } = LogLevel.Information;

    public LogFormat LogFormat { get; init; }
}

namespace Troupe.Hosting.Options;

/// <summary>Every setting of <c>serve</c>: the one list from which the command line, the environment, settings files and the help are
/// read.</summary>
internal static class OptionKeys
{
    public static OptionKey Models { get; } =
        new(
            "models",
            "DIR",
            "Model repository: NAME/VERSION/model.onnx, model.plan (model.pt2, model.ts, ...) or module.json; may be given several times. Without it the node only routes until models are loaded.",
            IsList: true
        );

    public static OptionKey Load { get; } =
        new(
            "load",
            "NAME",
            "Model of the repository to load at start; may be given several times. Default: every one of them; none: not one.",
            IsList: true
        );

    public static OptionKey Versions { get; } =
        new(
            "versions",
            "NAME=WHICH",
            "Which version of a model takes requests that name none, where the mode 'version' says nothing: newest (default), newest:50%, a number, or weights such as 1=90+2=10; may be given several times.",
            IsList: true
        );

    public static OptionKey AllowPath { get; } =
        new(
            "allow-path",
            "DIR",
            "Folder below which models may be loaded by path over HTTP or from another node, beside those of --models; may be given several times.",
            IsList: true
        );

    public static OptionKey ModelControl { get; } =
        new(
            "model-control",
            "none|poll|explicit",
            "Who loads and unloads models once the node has started. explicit (default): whoever asks over HTTP; poll: the repository, which is looked at every --poll-interval; none: nobody."
        );

    public static OptionKey PollInterval { get; } =
        new("poll-interval", "TIME", "How often a polled repository is looked at, e.g. 1m. Default 15s.");

    public static OptionKey StrictReadiness { get; } =
        new(
            "strict-readiness",
            "on|off",
            "Whether the node is not ready while one of its models has failed; off: only that model is not. Default on."
        );

    public static OptionKey LoadTimeout { get; } =
        new("load-timeout", "TIME", "Longest time for finding a model, and for loading it on one device, e.g. 90s. Default 5m.");

    public static OptionKey ProbeLoads { get; } =
        new(
            "probe-loads",
            "auto|on|off",
            "Whether a model is first tried in a process of its own, so that one that ends it costs no node. auto (default): where it is asked for over HTTP or by another node; on: also those loaded at start; off: never."
        );

    public static OptionKey ProbeTimeout { get; } = new("probe-timeout", "TIME", "Longest time for trying a model, e.g. 2m. Default 30s.");

    public static OptionKey ProbeMemory { get; } =
        new("probe-memory", "BYTES", "Most memory that a model may take while it is tried. Default 4GiB.");

    public static OptionKey Devices { get; } =
        new(
            "devices",
            "auto|emulated:N|cuda",
            "Where this node's devices come from. auto (default): CUDA if a back end for it is found, otherwise 2 emulated devices."
        );

    public static OptionKey Http { get; } = new("http", "ADDR", "Address of the V2 protocol over HTTP. Default 127.0.0.1:8000.");

    public static OptionKey Metrics { get; } = new("metrics", "ADDR|off", "Address of /metrics. Default 127.0.0.1:8002.");

    public static OptionKey Cluster { get; } =
        new(
            "cluster",
            "ADDR|off",
            "Address of the control plane, under which other nodes reach this one. Default 127.0.0.1:4053; off: a node alone."
        );

    public static OptionKey Join { get; } =
        new("join", "ADDR", "Control plane of a node to join; may be given several times and may name this node itself.", IsList: true);

    public static OptionKey QueueLimit { get; } =
        new("queue-limit", "N", "Forwards that may wait for each device before the next is answered QueueFull. Default 1024.");

    public static OptionKey Lanes { get; } = new("lanes", "N", "Most lanes of a model on one device. Default 2.");

    public static OptionKey DeviceMemory { get; } =
        new(
            "device-memory",
            "BYTES",
            "Memory of each emulated device, e.g. 512MiB. Default 2GiB. Of each real device the most that is taken. Default 0.9 of what is free when it is first used."
        );

    public static OptionKey SeparateBlocks { get; } =
        new("separate-blocks", "on|off", "Every block of device memory is an allocation of its own, for compute-sanitizer. Default off.");

    public static OptionKey CacheFolder { get; } =
        new(
            "cache-folder",
            "DIR",
            "Folder of the runtime caches that TensorRT-RTX engines keep. Default: one of this user below the temporary folder."
        );

    public static OptionKey MaxRequest { get; } =
        new("max-request", "BYTES", "Largest body of a request, at most 2GiB - 1 byte. Default 64MiB.");

    public static OptionKey MaxRequestMemory { get; } =
        new(
            "max-request-memory",
            "BYTES",
            "Most bytes of the bodies of all requests in flight; beyond it a request gets 503. Default 1GiB."
        );

    public static OptionKey DefaultMaxBatchSize { get; } =
        new(
            "default-max-batch-size",
            "N",
            "Most entries of a batch of a model without a configuration; 0: its first dimension is none. Default 4."
        );

    public static OptionKey RequestTimeouts { get; } =
        new(
            "request-timeouts",
            "on|off",
            "Whether the parameter timeout of a request, in microseconds, is its deadline; the header Troupe-Timeout always is. Default off."
        );

    public static OptionKey MaxOutput { get; } =
        new("max-output", "BYTES", "Most bytes of the outputs of one forward together, those that are asked for. Default 1GiB.");

    public static OptionKey DrainTimeout { get; } =
        new("drain-timeout", "TIME", "How long accepted forwards may take to finish when the node stops, e.g. 30s. Default 30s.");

    public static OptionKey Watchdog { get; } =
        new(
            "watchdog",
            "TIME",
            "How long a device's executor may make no progress before the device is quarantined until it does, e.g. 1m. Default 20s."
        );

    public static OptionKey NativeLibraries { get; } =
        new("native-libraries", "DIR", "Folder of ONNX Runtime's libraries. Default: beside the executable.");

    public static OptionKey WarmUp { get; } =
        new(
            "warm-up",
            "on|off",
            "Whether the node sends itself forwards over its own HTTP address before it is ready, so that the first clients do not wait for code to be compiled. Default on."
        );

    public static OptionKey Hocon { get; } = new("hocon", "FILE", "Akka settings laid over akka.hocon, for operators who know why.");

    public static OptionKey LogLevel { get; } =
        new("log-level", "LEVEL", "trace, debug, information, warning, error or critical. Default information.");

    public static OptionKey LogFormat { get; } =
        new("log-format", "line|json", "How log entries are written to standard output. Default line.");

    public static IReadOnlyList<OptionKey> All { get; } =
    [
        Models,
        Load,
        Versions,
        AllowPath,
        ModelControl,
        PollInterval,
        StrictReadiness,
        LoadTimeout,
        ProbeLoads,
        ProbeTimeout,
        ProbeMemory,
        Devices,
        Http,
        Metrics,
        Cluster,
        Join,
        QueueLimit,
        Lanes,
        DeviceMemory,
        SeparateBlocks,
        CacheFolder,
        MaxRequest,
        MaxRequestMemory,
        MaxOutput,
        DefaultMaxBatchSize,
        RequestTimeouts,
        DrainTimeout,
        Watchdog,
        NativeLibraries,
        WarmUp,
        Hocon,
        LogLevel,
        LogFormat,
    ];
}

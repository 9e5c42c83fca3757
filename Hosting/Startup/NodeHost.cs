using System.Net.Sockets;
using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;
using Akka.Hosting;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Probes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Hosting.Startup;

/// <summary>A running node: its actor system, its devices and its models, started and stopped in order.</summary>
/// <remarks><b>Owns</b> platform, actor system and node until disposed.</remarks>
internal sealed partial class NodeHost : IAsyncDisposable
{
    private static readonly TimeSpan DeviceStartBound = TimeSpan.FromSeconds(60);

    private readonly IHost _host;
    private readonly IPlatform _platform;
    private readonly FolderModelRepository _repository;
    private readonly ServeSpec _spec;
    private readonly ILogger _log;
    private readonly RepositoryWatch _watch;

    private NodeHost(IHost host, IPlatform platform, FolderModelRepository repository, ServeSpec spec, ILogger log)
    {
        (_host, _platform, _repository, _spec, _log) = (host, platform, repository, spec, log);
        _watch = new RepositoryWatch(note => LogTrouble(log, note));
        Memory = platform.OpenHostMemory();
        ActorSystem system = host.Services.GetRequiredService<ActorSystem>();
        Node = TroupeNode.Start(
            system,
            new TroupeNodeSpec
            {
                Platform = platform,
                Repository = repository,
                Versions = spec.Versions,
                QueueLimit = spec.QueueLimit,
                MaxLanes = spec.Lanes,
                DefaultMaxBatchSize = spec.DefaultMaxBatchSize,
                LaunchLimit = spec.Lanes + 1,
                LoadBound = spec.LoadTimeout,
                LoadsForOthers = spec.ModelControl == ModelControl.Explicit,
                MaxHeldBytes = spec.MaxRequestMemoryBytes,
                Probe = spec.ProbeLoads == ProbeLoads.Off ? null : Probe(spec),
                ProbesOwn = spec.ProbeLoads == ProbeLoads.On,
                MaxOutputBytes = spec.MaxOutputBytes,
                DrainBound = spec.DrainTimeout,
                WatchdogBound = spec.Watchdog,
                RuntimeCaches = new RuntimeCacheOptions(spec.CacheFolder, InFolderOnly: true)
                {
                    LockLimit = TimeSpan.FromSeconds(1),
                    Log = log,
                },
                Version = TroupeVersion.Text,
            }
        );
    }

    public TroupeNode Node { get; }

    /// <summary>Where models asked for by name are found.</summary>
    public IModelRepository Repository => _repository;

    /// <summary>What the edge reads into and writes from.</summary>
    public HostMemory Memory { get; }

    public IReadOnlyList<DeviceDescription> Devices => _platform.Devices;

    /// <summary>Fires when the node ends by itself: the cluster downed it or its actor system stopped.</summary>
    public CancellationToken Ended => _host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

    /// <summary>Starts devices, actors and, where the settings name an address, the control plane. Models are loaded by
    /// <see cref="LoadModelsAsync"/>.</summary>
    /// <exception cref="CliException">Devices or addresses are not to be had.</exception>
    public static async Task<NodeHost> StartAsync(ServeSpec spec, ILoggerFactory logs, CancellationToken cancellation)
    {
        ILogger log = logs.CreateLogger("Troupe.Node");
        ThreadPool.GetMinThreads(out int workers, out int completions);
        ThreadPool.SetMinThreads(Math.Max(workers, Math.Max(16, 4 * Environment.ProcessorCount)), completions);
        ProbeControlPlane(spec.Cluster);
        IPlatform platform = DeviceOpening.Open(spec.Devices, spec.DeviceMemoryBytes, spec.SeparateBlocks, spec.Models, out string? remark);
        if (remark is not null)
        {
            LogRemark(log, remark);
        }

        IHost host = Build(spec, logs);
        try
        {
            await host.StartAsync(cancellation);
            FolderModelRepository repository = new(spec.Models, note => LogRemark(log, note)) { PathFolders = spec.AllowPath };
            NodeHost node = new(host, platform, repository, spec, log);
            node.Join();
            await node.DevicesStartedAsync(cancellation);
            return node;
        }
        catch
        {
            host.Dispose();
            platform.Dispose();
            throw;
        }
    }

    /// <summary>Lets accepted forwards finish, leaves the cluster and stops; bounded by the settings.</summary>
    /// <returns>False when forwards were left when the time was up; each of them was answered all the same.</returns>
    public async Task<bool> StopAsync()
    {
        bool drained = await Node.DrainAsync(_spec.DrainTimeout);
        await _host.StopAsync(CancellationToken.None);
        return drained;
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await _host.StopAsync(CancellationToken.None);
        _host.Dispose();
        Memory.Dispose();
        _platform.Dispose();
    }

    private static ProcessProbe Probe(ServeSpec spec) =>
        new(ProbeExecutable.Find(), spec.ProbeTimeout, spec.ProbeMemoryBytes, spec.NativeLibraries);

    private static IHost Build(ServeSpec spec, ILoggerFactory logs)
    {
        Config? overlay = spec.Hocon is { } file ? ReadOverlay(file) : null;
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(
            new HostApplicationBuilderSettings { DisableDefaults = true, ApplicationName = "troupe" }
        );
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, SilentLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = spec.DrainTimeout + TimeSpan.FromSeconds(60));
        builder.Services.AddAkka(
            "troupe",
            akka =>
            {
                akka.ConfigureLoggers(loggers =>
                {
                    loggers.ClearLoggers();
                    loggers.AddLoggerFactory();
                    loggers.LogLevel = spec.LogLevel <= LogLevel.Debug ? Akka.Event.LogLevel.DebugLevel : Akka.Event.LogLevel.WarningLevel;
                });
                // Above what Akka.Hosting brings along, among it a serializer of Akka.Streams.
                akka.AddHocon(ConfigurationFactory.ParseString(ReadHocon()), HoconAddMode.Prepend);
                akka.AddHocon(Network(spec), HoconAddMode.Prepend);
                if (overlay is not null)
                {
                    akka.AddHocon(overlay, HoconAddMode.Prepend);
                }
            }
        );
        return builder.Build();
    }

    /// <summary>The file beside the executable, where operators look for it; without one, what this build was made with.</summary>
    private static string ReadHocon()
    {
        const string Name = "akka.hocon";
        string file = Path.Combine(AppContext.BaseDirectory, Name);
        if (File.Exists(file))
        {
            return File.ReadAllText(file);
        }

        using StreamReader reader = new(typeof(NodeHost).Assembly.GetManifestResourceStream(Name)!);
        return reader.ReadToEnd();
    }

    private static Config ReadOverlay(string file)
    {
        try
        {
            string text = File.ReadAllText(file);
            return HoconText.Problem(text) is { } problem ? throw new FormatException(problem) : ConfigurationFactory.ParseString(text);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                ExitCode.PathNotFound,
                $"{OptionKeys.Hocon.Switch}: '{file}' cannot be read: {unreadable.Message}",
                unreadable
            );
        }
#pragma warning disable CA1031 // Its parser throws whatever it stumbled over; the file is wrong in any case.
        catch (Exception broken)
#pragma warning restore CA1031
        {
            throw new CliException(ExitCode.Usage, $"{OptionKeys.Hocon.Switch}: '{file}' is no HOCON: {broken.Message}", broken);
        }
    }

    /// <summary>What the typed options own of Akka's settings: the address, and a drain longer than the shipped phase allows.</summary>
    private static Config Network(ServeSpec spec)
    {
        string drain = FormattableString.Invariant(
            $"akka.coordinated-shutdown.run-by-clr-shutdown-hook = off\nakka.coordinated-shutdown.phases.service-requests-done.timeout = {Math.Max(35, spec.DrainTimeout.TotalSeconds + 5):0}s\n"
        );
        return ConfigurationFactory.ParseString(
            spec.Cluster is not { } address
                ? drain
                : drain
                    + FormattableString.Invariant(
                        $"akka.actor.provider = cluster\nakka.remote.dot-netty.tcp.hostname = \"{address.Host}\"\nakka.remote.dot-netty.tcp.port = {address.Port}\n"
                    )
        );
    }

    private static void ProbeControlPlane(ListenAddress? address)
    {
        if (address is not { Port: > 0 })
        {
            return;
        }

        try
        {
            using TcpListener probe = new(address.Resolve());
            probe.Start();
        }
        catch (SocketException taken)
        {
            throw KestrelListener.Refused(OptionKeys.Cluster, address, taken);
        }
    }

    private void Join()
    {
        if (_spec.Cluster is null)
        {
            return;
        }

        Cluster cluster = Cluster.Get(_host.Services.GetRequiredService<ActorSystem>());
        if (_spec.Join.Count == 0)
        {
            cluster.Join(cluster.SelfAddress);
            return;
        }

        LogRemark(_log, $"joining {string.Join(' ', _spec.Join)}");
        cluster.JoinSeedNodes(
            _spec.Join.Select(seed => new Address(cluster.SelfAddress.Protocol, cluster.SelfAddress.System, seed.Host, seed.Port))
        );
    }

    /// <summary>Waits until no device is starting any more: loads go to devices that are there.</summary>
    private async Task DevicesStartedAsync(CancellationToken cancellation)
    {
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bound.CancelAfter(DeviceStartBound);
        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(5));
        while (
            Node.View.Nodes is not [{ Gpus: var gpus }, ..]
            || gpus.Length < _platform.Devices.Count
            || gpus.Any(gpu => gpu.Health == GpuHealth.Starting)
        )
        {
            await period.WaitForNextTickAsync(bound.Token);
        }
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "{Remark}")]
    private static partial void LogRemark(ILogger log, string remark);
}

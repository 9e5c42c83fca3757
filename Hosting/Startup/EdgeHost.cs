using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Metrics;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Startup;

/// <summary>What <c>serve</c> runs: a node, its HTTP edge and its metrics, until it is told to stop.</summary>
internal static partial class EdgeHost
{
    /// <summary>Returns when stopped and drained; throws when an address or a device is not to be had.</summary>
    /// <param name="warmUp">Run once everything is there, before the node says that it is ready; null: nothing.</param>
    public static async Task RunAsync(ServeSpec spec, Func<ILogger, CancellationToken, Task>? warmUp, CancellationToken stop)
    {
        using ILoggerFactory logs = Logs.Open(spec.LogLevel, spec.LogFormat, toStandardError: false);
        ILogger log = logs.CreateLogger("Troupe.Node");
        NativeLibraries.UseFolder(spec.NativeLibraries);
        await using NodeHost node = await NodeHost.StartAsync(spec, logs, stop);
        ModelLedgers ledgers = new(TimeProvider.System);
        EdgeSpec served = new(node.Repository, spec.MaxRequestBytes, TroupeVersion.Text)
        {
            ModelControl = spec.ModelControl,
            StrictReadiness = spec.StrictReadiness,
            MaxOutputBytes = spec.MaxOutputBytes,
            MaxRequestMemoryBytes = spec.MaxRequestMemoryBytes,
            DefaultMaxBatchSize = spec.DefaultMaxBatchSize,
            RequestTimeouts = spec.RequestTimeouts,
        };
        NodeEdge edge = new(node.Node, ledgers, served, node.Memory) { IsStarting = true };
        await using KestrelListener http = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, spec.Http),
            new Dispatcher(edge).InvokeAsync,
            logs,
            stop
        );
        await using KestrelListener? metrics = spec.Metrics is { } address
            ? await KestrelListener.StartAsync(
                new ListenSpec(OptionKeys.Metrics, address),
                new MetricsEndpoint(edge).InvokeAsync,
                logs,
                stop
            )
            : null;
        await node.LoadModelsAsync(stop);
        await (warmUp?.Invoke(log, stop) ?? Task.CompletedTask);
        edge.IsStarting = false;
        LogStarted(
            log,
            node.Node.Id.ToString(),
            $"http://{http.Address}",
            metrics is null ? "off" : $"http://{metrics.Address}/metrics",
            node.Devices.Count,
            node.Devices[0].Name
        );

        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(stop, node.Ended);
        Task polling = spec.ModelControl == ModelControl.Poll ? node.PollAsync(TimeProvider.System, ending.Token) : Task.CompletedTask;
        TaskCompletionSource stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using (stop.UnsafeRegister(static waiting => ((TaskCompletionSource)waiting!).TrySetResult(), stopping))
        using (node.Ended.UnsafeRegister(static waiting => ((TaskCompletionSource)waiting!).TrySetResult(), stopping))
        {
            await stopping.Task;
        }

        await polling.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        bool alone = !stop.IsCancellationRequested;
        LogStopping(log, alone ? "the cluster ended it" : "asked to");
        bool drained = await node.Node.DrainAsync(spec.DrainTimeout);
        using CancellationTokenSource bound = new(TimeSpan.FromSeconds(5));
        await http.StopAsync(bound.Token);
        await node.StopAsync();
        LogStopped(log, drained ? "drained" : "time was up, the rest was answered Draining");
        if (alone)
        {
            throw new CliException(ExitCode.Failed, "the node was put out of the cluster and has stopped; start it again");
        }
    }

    [LoggerMessage(
        EventId = 1,
        Level = LogLevel.Information,
        Message = "node {Node} is up: http {Http} metrics {Metrics} devices {Devices} ({DeviceName})"
    )]
    private static partial void LogStarted(ILogger log, string node, string http, string metrics, int devices, string deviceName);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "stopping: {Why}")]
    private static partial void LogStopping(ILogger log, string why);

    [LoggerMessage(EventId = 3, Level = LogLevel.Information, Message = "stopped: {How}")]
    private static partial void LogStopped(ILogger log, string how);
}

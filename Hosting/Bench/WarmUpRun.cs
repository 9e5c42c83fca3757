using System.Diagnostics;
using System.Net;
using System.Runtime.CompilerServices;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Models;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Bench;

/// <summary>What <c>serve</c> does before it is ready: forwards of the sample classifier, from a client over loopback through listener,
/// edge, router, executor and lane, so that the first clients do not wait for that code to be compiled.</summary>
/// <remarks>They go to a node of this run alone, with one emulated device and no control plane: nothing of it shows in models, metrics or
/// statistics of the node that starts, and all of it is gone afterwards.</remarks>
internal static partial class WarmUpRun
{
    private const string Model = "warm-up";

    /// <summary>Enough for the code of a forward to be compiled to its last tier, where there is time.</summary>
    private const int MostForwards = 8000;

    private const int Clients = 2;

    /// <summary>For the forwards.</summary>
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(4);

    /// <summary>For everything, the start of its node included: a forward that does not come back must not hold the node that
    /// serves.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(12);

    /// <summary>Returns after the forwards or when the time is up; never fails, for a node serves without it too.</summary>
    public static async Task RunAsync(ILogger log, CancellationToken stop)
    {
        if (!RuntimeFeature.IsDynamicCodeCompiled)
        {
            LogNotNeeded(log);
            return;
        }

        long started = Stopwatch.GetTimestamp();
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(stop);
            limit.CancelAfter(Limit);
            LoadResult result = await SendAsync(limit.Token);
            if (result.Failed > 0)
            {
                LogGivenUp(log, $"{result.Failed} of {result.Calls} forwards were not answered with 200: {result.FirstError}");
                return;
            }

            LogDone(log, result.Calls, Stopwatch.GetElapsedTime(started).TotalSeconds, result.P99Microseconds);
        }
#pragma warning disable CA1031 // Whatever keeps it from warming up must not keep the node from serving.
        catch (Exception trouble)
#pragma warning restore CA1031
        {
            // Asked to stop meanwhile: the caller drains and says so.
            if (!stop.IsCancellationRequested)
            {
                LogGivenUp(log, trouble.Message);
            }
        }
    }

    private static async Task<LoadResult> SendAsync(CancellationToken stop)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("troupe-warm-up-");
        try
        {
            string path = Path.Combine(folder.FullName, "model.onnx");
            await File.WriteAllBytesAsync(path, SampleFiles.FashionMnistModelBytes(), stop);
            return await SendAsync(path, stop);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<LoadResult> SendAsync(string path, CancellationToken stop)
    {
        ServeSpec spec = new()
        {
            Cluster = null,
            Metrics = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, 1),
            LogLevel = LogLevel.Warning,
            DrainTimeout = TimeSpan.FromSeconds(1),
        };
        using ILoggerFactory silent = LoggerFactory.Create(_ => { });
        await using NodeHost host = await NodeHost.StartAsync(spec, silent, stop);
        if (await host.Node.LoadOwnAsync(new LoadModel(Model, Path: path), stop) is ModelReply.Failed failed)
        {
            throw new InvalidOperationException(failed.Detail);
        }

        EdgeSpec served = new(null, spec.MaxRequestBytes, TroupeVersion.Text);
        NodeEdge edge = new(host.Node, new ModelLedgers(TimeProvider.System), served, host.Memory);
        await using KestrelListener http = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            new Dispatcher(edge).InvokeAsync,
            silent,
            stop
        );
        Tensor blank = new(
            "image",
            ElementType.Fp32,
            new TensorShape(1, 1, FashionMnist.Side, FashionMnist.Side),
            new byte[FashionMnist.Side * FashionMnist.Side * sizeof(float)]
        );
        LoadSpec load = new(
            new DnsEndPoint(http.Address.Address.ToString(), http.Address.Port),
            InferRequestBytes.Of(Model, [blank]),
            Clients,
            Bound,
            MostForwards / Clients
        );
        return await LoadGenerator.RunAsync("warm-up", load, stop);
    }

    [LoggerMessage(
        EventId = 1,
        Level = LogLevel.Information,
        Message = "warmed up: {Forwards} forwards in {Seconds:0.0} s, p99 {P99:0} us (--warm-up off starts without)"
    )]
    private static partial void LogDone(ILogger log, long forwards, double seconds, double p99);

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "warm-up not needed: this build was compiled ahead of time")]
    private static partial void LogNotNeeded(ILogger log);

    [LoggerMessage(EventId = 3, Level = LogLevel.Warning, Message = "warm-up given up, the first requests will be slower: {Trouble}")]
    private static partial void LogGivenUp(ILogger log, string trouble);
}

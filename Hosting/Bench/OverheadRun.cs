using System.Diagnostics;
using System.Net;
using Microsoft.ML.OnnxRuntime;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Hosting.Bench;

/// <summary>The overhead ladder on the sample classifier, in this process: engine, lane, router, HTTP. Each rung does the same work, so
/// each step is what a storey costs.</summary>
/// <remarks>A quick look for operators; <c>tests/Benchmarks</c> measures the same ladder with more care.</remarks>
internal sealed class OverheadRun(TimeSpan perRung)
{
    private const string Model = "fmnist";

    private readonly Tensor _input = new(
        "image",
        ElementType.Fp32,
        new TensorShape(1, 1, FashionMnist.Side, FashionMnist.Side),
        FashionMnist.Read().Images[0]
    );

    /// <param name="progress">Told each rung's name as it begins.</param>
    public async Task<BenchResult> RunAsync(Action<string> progress, CancellationToken stop)
    {
        List<LoadResult> rungs = [];
        progress("engine");
        rungs.Add(Engine(stop));
        progress("lane");
        rungs.Add(Lane(stop));
        ServeSpec spec = new()
        {
            Cluster = null,
            Metrics = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, 2),
            LogLevel = LogLevel.Warning,
        };
        using ILoggerFactory logs = Logs.Open(spec.LogLevel, spec.LogFormat, toStandardError: true);
        await using NodeHost host = await NodeHost.StartAsync(spec, logs, stop);
        if (await host.Node.LoadOwnAsync(new LoadModel(Model, Path: SampleFiles.FashionMnistModel), stop) is ModelReply.Failed failed)
        {
            throw new InvalidOperationException(failed.Detail);
        }

        progress("router");
        rungs.Add(await RouterAsync(host, stop));
        EdgeSpec served = new(null, spec.MaxRequestBytes, TroupeVersion.Text);
        NodeEdge edge = new(host.Node, new ModelLedgers(TimeProvider.System), served, host.Memory);
        await using KestrelListener http = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            new Dispatcher(edge).InvokeAsync,
            logs,
            stop
        );
        DnsEndPoint target = new(http.Address.Address.ToString(), http.Address.Port);
        foreach (int clients in (int[])[1, 32])
        {
            progress($"http, {clients} clients");
            LoadSpec load = new(target, InferRequestBytes.Of(Model, [_input]), clients, perRung);
            await LoadGenerator.RunAsync("warm-up", load with { Duration = TimeSpan.FromSeconds(1) }, stop);
            rungs.Add(await LoadGenerator.RunAsync("http", load, stop));
        }

        return new BenchResult(Model, [.. rungs]);
    }

    private LoadResult Engine(CancellationToken stop)
    {
        using Microsoft.ML.OnnxRuntime.SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using InferenceSession session = new(SampleFiles.FashionMnistModel, options);
        using RunOptions run = new();
        using OrtIoBinding binding = session.CreateIoBinding();
        using OrtValue input = OrtValue.CreateTensorValueFromMemory(
            System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(_input.Data.Span).ToArray(),
            _input.Shape.Span.ToArray()
        );
        using OrtValue output = OrtValue.CreateTensorValueFromMemory(new float[10], [1, 10]);
        binding.BindInput("image", input);
        binding.BindOutput("logits", output);
        return Repeat("engine", () => session.RunWithBinding(run, binding), stop);
    }

    private LoadResult Lane(CancellationToken stop)
    {
        using Platform platform = Platform.OpenEmulated(new EmulatedDevices());
        using IModuleInstance instance = platform.Load(
            new ModuleSource(new ModelReference(Model, 1), SampleFiles.FashionMnistModel),
            0,
            new InstanceOptions(),
            stop
        );
        if (!instance.TryLease(out ILane lane))
        {
            throw new InvalidOperationException("A new instance has no idle lane.");
        }

        using (lane)
        {
            Tensor[] inputs = [_input];
            return Repeat(
                "lane",
                () =>
                {
                    lane.Submit([new LaneForward(inputs, [])], ModeSettings.Default, static () => { });
                    if (lane.Poll(0) != LaneStatus.Succeeded)
                    {
                        throw lane.FailureOf(0);
                    }

                    lane.TakeOutputs(0);
                },
                stop
            );
        }
    }

    private async Task<LoadResult> RouterAsync(NodeHost host, CancellationToken stop)
    {
        List<double> micros = [];
        long started = Stopwatch.GetTimestamp();
        for (bool warm = false; !warm || Stopwatch.GetElapsedTime(started) < perRung; )
        {
            stop.ThrowIfCancellationRequested();
            ForwardCall call = new();
            long sent = Stopwatch.GetTimestamp();
            host.Node.Forward(
                new Forward
                {
                    Id = host.Node.NextRequestId(),
                    Model = new ModelReference(Model),
                    Inputs = [_input],
                },
                call
            );
            if (await call.Reply is ForwardReply.Failed failed)
            {
                throw new InvalidOperationException(failed.Detail);
            }

            micros.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            if (!warm && Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(1))
            {
                warm = true;
                micros.Clear();
                started = Stopwatch.GetTimestamp();
            }
        }

        return LoadResult.Of("router", [.. micros], Stopwatch.GetElapsedTime(started));
    }

    private LoadResult Repeat(string rung, Action call, CancellationToken stop)
    {
        for (int i = 0; i < 2000; i++)
        {
            call();
        }

        List<double> micros = new(1 << 16);
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < perRung)
        {
            stop.ThrowIfCancellationRequested();
            long begun = Stopwatch.GetTimestamp();
            call();
            micros.Add(Stopwatch.GetElapsedTime(begun).TotalMicroseconds);
        }

        return LoadResult.Of(rung, [.. micros], Stopwatch.GetElapsedTime(started));
    }
}

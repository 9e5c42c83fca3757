using System.Runtime.InteropServices;
using Troupe.Actors.Forwards;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>How many forwards a device does in a time, in virtual time: nothing stands in for the product above the driver.</summary>
public sealed class OverlapTests(ITestOutputHelper output)
{
    private const int Rows = 250_000;

    /// <summary>As long as copying all the rows once, either way.</summary>
    private static readonly TimeSpan Millisecond = TimeSpan.FromMilliseconds(1);

    private static readonly EmulatedDeviceOptions Device = new() { CopyBytesPerSecond = Rows * 16 * 1000UL };

    [Fact]
    public void Two_lanes_of_a_device_copy_in_compute_and_copy_out_at_the_same_time()
    {
        using Workbench bench = Timed(devices: 1);
        using var executor = new VirtualExecutor(bench, bench.LoadFree(EmulatedModels.Scaled(bench.Folder, """, "microseconds": 1000""")));
        const int forwards = 24;
        WarmUp(executor, Rows);

        TimeSpan start = bench.Driver.Clock.Elapsed;
        for (int forward = 0; forward < forwards; forward++)
        {
            executor.Launch(Input(forward, Rows));
        }

        List<ForwardResult> ended = executor.Run(forwards);

        Check(ended, forwards, Rows, 2);
        AssertMilliseconds(forwards + 2, bench.Driver.Clock.Elapsed - start);
        Assert.All(ended.Skip(2), result => Assert.Equal((1, 1, 1), Rounded(result.Times)));
        Assert.Equal((0, 0), (executor.InFlight, executor.Waiting));
    }

    [Fact]
    public void A_forward_whose_outputs_lie_in_a_recording_keeps_its_lane_until_they_have_left()
    {
        using Workbench bench = Timed(devices: 1);
        using var executor = new VirtualExecutor(bench, bench.LoadFree(EmulatedModels.Scaled(bench.Folder, """, "microseconds": 1000""")));
        var settings = new ModeSettings { CudaGraphs = CudaGraphsMode.PerSegment };
        const int forwards = 24;
        WarmUp(executor, Rows, settings);

        TimeSpan start = bench.Driver.Clock.Elapsed;
        for (int forward = 0; forward < forwards; forward++)
        {
            executor.Launch(Input(forward, Rows), settings);
        }

        Check(executor.Run(forwards), forwards, Rows, 2);
        AssertMilliseconds((forwards * 3 / 2) + 1, bench.Driver.Clock.Elapsed - start);
    }

    [Fact]
    public void An_executor_that_stops_while_outputs_travel_leaves_nothing_behind()
    {
        using Workbench bench = Timed(devices: 1);
        using var executor = new VirtualExecutor(bench, bench.LoadFree(EmulatedModels.Scaled(bench.Folder, """, "microseconds": 1000""")));
        WarmUp(executor, Rows);
        for (int forward = 0; forward < 4; forward++)
        {
            executor.Launch(Input(forward, Rows));
        }

        // The first one is on its way out, the third has its lane, the fourth waits.
        Assert.Empty(executor.Run(2.5 * Millisecond));
        Assert.Equal((3, 1), (executor.InFlight, executor.Waiting));
    }

    [Fact]
    public void Two_stages_on_two_devices_work_at_the_same_time()
    {
        using Workbench bench = Timed(devices: 2);
        string path = EmulatedModels.Scaled(bench.Folder, """, "microseconds": 1000""");
        using VirtualExecutor first = new(bench, bench.LoadFree(path, 0, lanes: 1)),
            second = new(bench, bench.LoadFree(path, 1, lanes: 1));
        WarmUp(first, rows: 1);
        WarmUp(second, rows: 1);
        const int forwards = 20;

        TimeSpan start = bench.Driver.Clock.Elapsed;
        for (int forward = 0; forward < forwards; forward++)
        {
            first.Launch(Input(forward, rows: 1));
        }

        var ended = new List<ForwardResult>();
        while (ended.Count < forwards && bench.Driver.Clock.Elapsed - start < forwards * 3 * Millisecond)
        {
            foreach (ForwardResult between in first.Turn())
            {
                second.Launch(between.Outputs![0] with { Name = "x" });
            }

            ended.AddRange(second.Turn());
            bench.Driver.Clock.Advance(TimeSpan.FromMicroseconds(5));
        }

        Check(ended, forwards, rows: 1, factor: 4);
        AssertMilliseconds(forwards + 1, bench.Driver.Clock.Elapsed - start);
    }

    [Fact]
    public void Two_lanes_of_a_module_that_spans_two_devices_keep_both_at_work()
    {
        using Workbench bench = Timed(devices: 2);
        using var executor = new VirtualExecutor(bench, bench.LoadFree(TwoStages(bench.Folder)));
        WarmUp(executor, rows: 1);
        const int forwards = 20;

        TimeSpan start = bench.Driver.Clock.Elapsed;
        for (int forward = 0; forward < forwards; forward++)
        {
            executor.Launch(Input(forward, rows: 1));
        }

        Check(executor.Run(forwards), forwards, rows: 1, factor: 6);
        AssertMilliseconds(forwards + 1, bench.Driver.Clock.Elapsed - start);
    }

    private static Workbench Timed(int devices) =>
        new(EmulatedDriverOptions.WithDevices(devices, Device) with { Policy = ExecutionPolicy.Timed });

    /// <summary>Every lane has its contexts, buffers and recordings.</summary>
    private static void WarmUp(VirtualExecutor executor, int rows, ModeSettings? settings = null)
    {
        for (int round = 0; round < 2; round++)
        {
            for (int forward = 0; forward < 4; forward++)
            {
                executor.Launch(Input(forward, rows), settings);
            }

            executor.Run(4);
        }
    }

    private static Tensor Input(int value, int rows)
    {
        byte[] data = new byte[rows * 16];
        MemoryMarshal.Cast<byte, float>(data.AsSpan()).Fill(value);
        return new Tensor("x", ElementType.Fp32, new TensorShape(rows, 4), data);
    }

    private static void Check(List<ForwardResult> ended, int forwards, int rows, float factor)
    {
        Assert.All(ended, result => Assert.Null(result.Failure));
        Assert.All(ended, result => Assert.Equal(rows * 16, result.Outputs![0].Data.Length));
        Assert.Equal(
            Enumerable.Range(0, forwards).Select(value => factor * value),
            ended.Select(result => Workbench.Floats(result.Outputs![0])[^1]).Order()
        );
    }

    /// <summary>In milliseconds.</summary>
    private static (int, int, int) Rounded((long Input, long Infer, long Output) times) =>
        ((int)Math.Round(times.Input / 1e6), (int)Math.Round(times.Infer / 1e6), (int)Math.Round(times.Output / 1e6));

    /// <summary>Queries take time too, and the executor is woken a step late.</summary>
    private void AssertMilliseconds(double expected, TimeSpan elapsed)
    {
        output.WriteLine($"{elapsed.TotalMilliseconds:0.00} ms, expected {expected}");
        Assert.InRange(elapsed.TotalMilliseconds, expected - 0.01, expected * 1.03);
    }

    /// <summary>z = 6 x over [n,4]: twice on one device, three times on the next, a millisecond each.</summary>
    private static string TwoStages(ModuleFolder folder)
    {
        folder.Write("a.onnx", TinyModels.Scale(2, "x", "y"));
        folder.Write("b.onnx", TinyModels.Scale(3, "y", "z"));
        folder.Write("a.json", """{ "onnx": "a.onnx", "microseconds": 1000 }""");
        folder.Write("b.json", """{ "onnx": "b.onnx", "microseconds": 1000 }""");
        return folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "z", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "emulated", "file": "a.json", "inputs": ["x"], "outputs": ["y"] },
                { "name": "_run_on_acc_1", "backend": "emulated", "file": "b.json", "device": 1, "inputs": ["y"], "outputs": ["z"] }] }
            """
        );
    }
}

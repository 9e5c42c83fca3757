using System.Diagnostics;
using Troupe.Gpu.Tests.Cuda;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Kernels;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Gpu.Tests.Lanes;

/// <summary>The way of a forward on a real GPU: platform, load, lease, submit, completion by a host function, outputs.</summary>
public sealed class KernelModuleTests(ITestOutputHelper output)
{
    [Fact]
    public void A_module_of_kernels_runs_through_a_lane_on_the_gpu()
    {
        using ModuleFolder folder = new();
        using Platform platform = Open();
        using IDeviceGroup group = platform.OpenGroup(0);
        using IModuleInstance instance = Load(platform, folder);
        foreach (int rows in (int[])[1, 7, 300, 4096, 1])
        {
            Tensor pixels = KernelChain.Pixels(rows, seed: rows);
            double error = KernelChain.Error(pixels, Workbench.Forward(instance, pixels));
            output.WriteLine($"{rows} rows: greatest difference {error:E1}");
            Assert.InRange(error, 0, 2e-5);
        }

        Assert.Null(group.Fault);
    }

    [Fact]
    public void Two_lanes_overlap_without_mixing_their_answers()
    {
        using ModuleFolder folder = new();
        using Platform platform = Open();
        using IDeviceGroup group = platform.OpenGroup(0);
        using IModuleInstance instance = Load(platform, folder);
        for (int round = 0; round < 200; round++)
        {
            Tensor[] pixels = [KernelChain.Pixels(64, round), KernelChain.Pixels(64, round + 1000)];
            Assert.True(instance.TryLease(out ILane first));
            Assert.True(instance.TryLease(out ILane second));
            using ManualResetEventSlim wokenFirst = new(),
                wokenSecond = new();
            first.Submit([new LaneForward([pixels[0]], [])], ModeSettings.Default, wokenFirst.Set);
            second.Submit([new LaneForward([pixels[1]], [])], ModeSettings.Default, wokenSecond.Set);
            Assert.InRange(KernelChain.Error(pixels[0], Take(first, wokenFirst)), 0, 2e-5);
            Assert.InRange(KernelChain.Error(pixels[1], Take(second, wokenSecond)), 0, 2e-5);
        }
    }

    [Fact]
    public void Ten_thousand_lanes_are_unloaded_right_behind_their_forwards_while_the_driver_may_still_call_their_wakes()
    {
        const int lanes = 10;
        using ModuleFolder folder = new();
        using Platform platform = Open();
        using IDeviceGroup group = platform.OpenGroup(0);
        string path = KernelChain.Write(folder);
        Tensor pixels = KernelChain.Pixels(1, 1);
        int woken = 0;
        for (int round = 0; round < 1_000; round++)
        {
            using IModuleInstance instance = platform.Load(
                new ModuleSource(new ModelReference("kernels", 1), path),
                0,
                new InstanceOptions { MaxLanes = lanes },
                TestContext.Current.CancellationToken
            );
            var leased = new List<ILane>();
            for (int index = 0; index < lanes; index++)
            {
                Assert.True(instance.TryLease(out ILane lane));
                leased.Add(lane);
                lane.Submit([new LaneForward([pixels], [])], ModeSettings.Default, () => Interlocked.Increment(ref woken));
            }

            foreach (ILane lane in leased)
            {
                if (round % 2 == 0)
                {
                    // Done, which the wake comes behind; odd rounds are not even that.
                    ((HostLane)lane).Lane.WaitUntilIdle();
                }

                lane.Dispose();
            }
        }

        output.WriteLine($"{Volatile.Read(ref woken)} wakes came before the end of their lane");
        Assert.Null(group.Fault);
    }

    [Fact]
    public void A_warm_forward_is_timed()
    {
        const int rounds = 2000;
        using ModuleFolder folder = new();
        using Platform platform = Open();
        using IDeviceGroup group = platform.OpenGroup(0);
        using IModuleInstance instance = Load(platform, folder);
        Tensor pixels = KernelChain.Pixels(64, 1);
        double[] micros = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Workbench.Forward(instance, pixels);
            micros[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(micros);
        output.WriteLine($"five kernels, 64 rows, host to host: p50 {micros[rounds / 2]:F1} µs, p99 {micros[rounds * 99 / 100]:F1} µs");
        Assert.InRange(KernelChain.Error(pixels, Workbench.Forward(instance, pixels)), 0, 2e-5);
    }

    private static Platform Open()
    {
        Assert.SkipUnless(NativeDriverFixture.Reason is null, NativeDriverFixture.Reason ?? "");
        return Platform.OpenCuda();
    }

    private static IModuleInstance Load(Platform platform, ModuleFolder folder) =>
        platform.Load(
            new ModuleSource(new ModelReference("kernels", 1), KernelChain.Write(folder)),
            0,
            new InstanceOptions(),
            TestContext.Current.CancellationToken
        );

    private static Tensor[] Take(ILane lane, ManualResetEventSlim woken)
    {
        using (lane)
        {
            Assert.True(woken.Wait(TimeSpan.FromSeconds(30)), "The lane never woke its holder.");
            return lane.Poll(0) == LaneStatus.Succeeded ? lane.TakeOutputs(0) : throw lane.FailureOf(0);
        }
    }
}

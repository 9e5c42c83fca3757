using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Instances;

/// <summary>The forward under random legal orders of device work: an access that nothing orders is a conflict in every run, so these tests
/// fail where an event is missing.</summary>
public sealed class DeferredExecutionTests
{
    private static readonly ModeSettings[] Modes =
    [
        ModeSettings.Default,
        new() { CudaGraphs = CudaGraphsMode.PerSegment },
        new() { CudaGraphs = CudaGraphsMode.WholeModule },
        new() { PreAllocatedOutputs = true },
        new() { OutputAllocator = true },
        new() { CudaGraphs = CudaGraphsMode.PerSegment, PreAllocatedOutputs = true },
        new() { CudaGraphs = CudaGraphsMode.WholeModule, PreAllocatedOutputs = true },
    ];

    public static TheoryData<int> Seeds() => [.. Enumerable.Range(1, 12)];

    [Theory, Trait("row", "CG-21")]
    [MemberData(nameof(Seeds))]
    public void Two_lanes_with_different_data_never_mix_their_answers(int seed)
    {
        using Workbench bench = Deferred(seed, devices: 1);
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder), lanes: 2);
        foreach (ModeSettings settings in Modes)
        {
            for (int round = 0; round < 3; round++)
            {
                Assert.True(instance.TryLease(out ILane first));
                Assert.True(instance.TryLease(out ILane second));
                first.Submit([new LaneForward([X(seed, round)], [])], settings, () => { });
                second.Submit([new LaneForward([X(-seed, round)], [])], settings, () => { });
                Assert.Equal([24f * seed, 24f * round, 0, 0], Workbench.Floats(Take(first)[0]));
                Assert.Equal([-24f * seed, 24f * round, 0, 0], Workbench.Floats(Take(second)[0]));
                first.Dispose();
                second.Dispose();
            }
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_module_across_devices_is_right_in_every_mode_and_shape(int seed)
    {
        using Workbench bench = Deferred(seed, devices: 2);
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder, middleDevice: 1), lanes: 2);
        var random = new Random(seed);
        for (int step = 0; step < 40; step++)
        {
            int rows = random.Next(1, 4);
            float[] values = [.. Enumerable.Range(0, rows * 4).Select(_ => (float)random.Next(100))];
            ModeSettings settings = Modes[random.Next(Modes.Length)];
            Tensor y = Workbench.Forward(instance, settings, Workbench.Floats("x", [rows, 4], values))[0];
            Assert.Equal(values.Select(value => 24 * value), Workbench.Floats(y));
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Data_dependent_and_aliased_modules_are_right_too(int seed)
    {
        using Workbench bench = Deferred(seed, devices: 1);
        ModuleInstance found = bench.Load(TinyModels.NonZero()),
            cache = bench.Load(TinyModules.Cache(bench.Folder));
        for (int step = 0; step < 5; step++)
        {
            Assert.Equal([1, 2], Workbench.Longs(Workbench.Forward(found, Workbench.Floats("x", [3], 0, 1, seed))[0]));
            foreach (ModeSettings settings in Modes.Where(mode => !mode.OutputAllocator))
            {
                float[] start = [.. Enumerable.Repeat((float)step, 64)];
                Assert.Equal(
                    [64f * (step + seed)],
                    Workbench.Floats(
                        Workbench.Forward(cache, settings, Workbench.Floats("cache", [64], start), Workbench.Floats("x", [1], seed))[0]
                    )
                );
            }
        }

        Assert.Empty(bench.Driver.Reports);
    }

    [Theory, Trait("row", "ST-01")]
    [MemberData(nameof(Seeds))]
    public void Callers_on_default_and_on_private_streams_alternate(int seed)
    {
        using Workbench bench = Deferred(seed, devices: 1);
        LocalModule module = bench.Open(TinyModels.Scale(3), lanes: 2);
        using DeviceCaller joined = new(bench, module),
            direct = new(bench, module, direct: true);
        for (int call = 0; call < 50; call++)
        {
            DeviceCaller caller = call % 2 == 0 ? joined : direct;
            DeviceTensor result = caller.Call(X(call, seed));
            Assert.Equal([3f * call, 3f * seed, 0, 0], caller.Floats(result));
            result.Return();
        }

        Assert.Empty(bench.Driver.Reports);
    }

    private static Workbench Deferred(int seed, int devices) =>
        new(EmulatedDriverOptions.WithDevices(devices) with { Policy = ExecutionPolicy.Deferred, Seed = seed });

    private static Tensor[] Take(ILane lane)
    {
        ((HostLane)lane).Lane.WaitUntilIdle();
        return lane.Poll(0) == LaneStatus.Succeeded ? lane.TakeOutputs(0) : throw lane.FailureOf(0);
    }

    private static Tensor X(float a, float b) => Workbench.Floats("x", [1, 4], a, b, 0, 0);
}

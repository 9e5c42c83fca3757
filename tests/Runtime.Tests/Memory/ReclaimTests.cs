using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>What idle lanes keep is no obstacle to whoever needs memory.</summary>
public sealed class ReclaimTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void On_a_small_device_every_size_of_a_model_is_answered_and_none_of_another_beside_it_is_refused()
    {
        using Workbench bench = With(64 * MiB);
        ModuleInstance sym = bench.Load(Relu);
        int[] sizes = [.. Enumerable.Range(0, 180).Select(step => 100_000 + (5_000 * step))];
        Array.ForEach(sizes, size => Check(sym, size));
        MemoryCounts before = bench.Platform.Memory.CountsOf(0);
        using (ModuleInstance other = bench.Load(Relu))
        {
            Array.ForEach(sizes, size => Check(other, size));
            Check(sym, sizes[^1]);
            Check(other, sizes[^1]);
        }

        Assert.InRange(bench.Platform.Memory.CountsOf(0).Used, 0, before.Used);
        Check(sym, sizes[^1]);
    }

    [Fact]
    public async Task Instances_on_two_threads_that_need_each_others_memory_all_go_on()
    {
        using Workbench bench = With(9 * MiB);
        ModuleInstance[] instances = [bench.Load(Relu), bench.Load(Relu), bench.Load(Relu), bench.Load(Relu)];
        Task[] callers =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(caller =>
                    Task.Factory.StartNew(
                        () =>
                        {
                            for (int round = 0; round < 50; round++)
                            {
                                // Each has two instances, of which one idles with what the other, or the other caller, lacks.
                                Check(instances[(2 * (round % 2)) + caller], 100_000 + (round % 10 * 10_000));
                            }
                        },
                        CancellationToken.None,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                ),
        ];
        await Task.WhenAll(callers).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(instances.Sum(instance => instance.HomePool.Counts.Reclaimed) > 0, "Nobody was asked for anything.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_set_of_outputs_is_given_back_unless_a_mode_holds_it(bool held)
    {
        using Workbench bench = With(8 * MiB);
        ModuleInstance instance = bench.Load(Relu);
        instance.FreeAllBut(default(HeldModes) with { PreAllocatedOutputs = held });
        ModeSettings settings = ModeSettings.Default with { PreAllocatedOutputs = true };
        Workbench.Forward(instance, settings, Ramp(200_000));
        Assert.Equal(1, instance.Lanes[0].Lane.KeptOutputs);

        using BlockPool other = bench.Platform.Memory.Open(0);
        ForwardException? refused;
        do
        {
            refused = Catch(() => other.Reserve(50_000, "Blocks of somebody else"));
        } while (refused is null);

        Assert.Equal(FailureKind.OutOfDeviceMemory, refused.Kind);
        Assert.Equal(held ? 1 : 0, instance.Lanes[0].Lane.KeptOutputs);
        Assert.InRange(instance.HomePool.Bytes, held ? 800_000 : 0, held ? 801_000 : 1_000);
    }

    [Fact]
    public void A_forward_on_device_tensors_has_its_own_lane_s_buffers_of_former_shapes_given_back()
    {
        using Workbench bench = With(MiB);
        LocalModule module = bench.Open(TinyModules.Hybrid(bench.Folder));
        using var caller = new DeviceCaller(bench, module);
        DeviceTensor large = caller.Upload(Rows(1280));

        // Its largest forward fits what is left, but not beside what the lane keeps for eight smaller ones.
        using BlockPool others = bench.Platform.Memory.Open(0);
        others.Reserve((ulong)(MiB - bench.Platform.Memory.CountsOf(0).Used - (224 << 10)), "Blocks of somebody else");
        for (int rows = 249; rows <= 256; rows++)
        {
            caller.Call(Rows(rows)).Return();
        }

        long kept = bench.Platform.Memory.CountsOf(0).Used;
        DeviceTensor result = caller.Call([large])[0];

        Assert.Equal([.. Enumerable.Range(0, 5120).Select(value => 24f * value)], caller.Floats(result));
        Assert.InRange(kept, MiB - (64 << 10), MiB);

        static Tensor Rows(int rows) => Workbench.Floats("x", [rows, 4], [.. Enumerable.Range(0, rows * 4).Select(value => (float)value)]);
    }

    [Fact]
    public void A_forward_that_fails_after_its_input_went_stale_says_that_the_device_is_full()
    {
        int answered = 0,
            refused = 0;
        for (ulong free = 0; free <= 16; free++)
        {
            using Workbench bench = With(MiB);
            LocalModule module = bench.Open(TinyModels.Scale(2));
            using EnteredMode scope = module.EnablePreAllocatedOutputs();
            using var caller = new DeviceCaller(bench, module);
            DeviceTensor[] last = [];
            for (int call = 0; call < 3; call++)
            {
                last = caller.Call([caller.Upload(Workbench.Floats("x", [1, 4], 1, 2, 3, 4))]);
            }

            // Recording takes memory, after the forward has begun to overwrite what it was given.
            using BlockPool others = bench.Platform.Memory.Open(0);
            using EnteredMode graphs = module.EnableCudaGraphs();
            DeviceBlock room = others.Reserve(Math.Max(1, free * 512), "Room for the forward");
            while (Catch(() => others.Reserve(512, "Blocks of somebody else")) is null) { }

            room.Return(room.Generation);
            ForwardException? full = Catch(() => last = caller.Call(last));
            (answered, refused) = (answered + (full is null ? 1 : 0), refused + (full is null ? 0 : 1));
            Assert.True(full is null or { Kind: FailureKind.OutOfDeviceMemory }, full?.Message);
            if (full is null)
            {
                Assert.Equal([4f, 8, 12, 16], caller.Floats(last[0]));
            }
        }

        Assert.True(answered > 0 && refused > 0, $"{answered} were answered, {refused} refused.");
    }

    [Fact]
    public void What_an_instance_gives_counts_as_its_own_and_once_as_the_device_s()
    {
        using Workbench bench = With(4 * MiB);
        using BlockPool gives = bench.Platform.Memory.Open(0),
            needs = bench.Platform.Memory.Open(0);
        gives.Holder = new Holder([gives.Reserve(2 * (ulong)MiB, "A half"), gives.Reserve(2 * (ulong)MiB, "The other half")]);
        needs.Reserve(4 * (ulong)MiB, "All of it");
        Assert.Equal((4 * MiB, 0, 4 * MiB), (gives.Counts.Reclaimed, needs.Counts.Reclaimed, bench.Platform.Memory.CountsOf(0).Reclaimed));
    }

    private static TinyOnnx Relu =>
        new TinyOnnx().Input("x", TinyOnnx.Element.Float, "n").Output("y", TinyOnnx.Element.Float, "n").Node("Relu", ["x"], ["y"]);

    private static Workbench With(long bytes) =>
        new(new EmulatedDriverOptions { Devices = [new EmulatedDeviceOptions { MemoryBytes = (ulong)bytes }], Strict = false });

    private static Tensor Ramp(int size) =>
        Workbench.Floats("x", [size], [.. Enumerable.Range(0, size).Select(value => (float)(value - 7))]);

    private static void Check(ModuleInstance instance, int size)
    {
        float[] values = Workbench.Floats(Workbench.Forward(instance, Ramp(size))[0]);
        Assert.Equal((size, 0f, (float)(size - 8)), (values.Length, values[0], values[^1]));
    }

    private static ForwardException? Catch(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (ForwardException failed)
        {
            return failed;
        }
    }

    private sealed class Holder(DeviceBlock[] kept) : IMemoryHolder
    {
        public void GiveBackMemory() => Array.ForEach(kept, block => block.Return(block.Generation));
    }
}

using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Kernels;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;
using Xunit;

namespace Troupe.TestSupport.Modes;

/// <summary>What modes promise on any device that runs kernels: derived for emulated devices and for real ones, so that both give the same
/// verdicts.</summary>
public abstract class ModeContract : IDisposable
{
    private readonly ModuleFolder _folder = new();
    private LocalRuntime? _runtime;
    private Platform? _platform;

    public void Dispose()
    {
        _runtime?.Dispose();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact, Trait("row", "CG-01"), Trait("row", "WG-02"), Trait("row", "MO-05")]
    public void Five_calls_capture_the_whole_module_once_and_replay_it_five_times()
    {
        LocalModule module = Load();
        using EnteredMode scope = module.EnableCudaGraphs();
        Assert.True(module.Modes.GetWholeCudaGraphsMode(module));
        for (int seed = 0; seed < 5; seed++)
        {
            AssertRight(module, KernelChain.Pixels(33, seed));
        }

        Assert.Equal((1, 5), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "CG-02")]
    public void Per_segment_every_segment_has_its_graph()
    {
        LocalModule module = Load();
        using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment });
        for (int seed = 0; seed < 5; seed++)
        {
            AssertRight(module, KernelChain.Pixels(9, seed));
        }

        Assert.Equal((5, 25), (module.Counts.Captures, module.Counts.Replays));
    }

    [Theory, Trait("row", "CG-03"), Trait("row", "PA-02")]
    [InlineData(false)]
    [InlineData(true)]
    public void Shapes_that_come_and_go_are_recorded_once_each_and_toggling_stays_right(bool preAllocated)
    {
        LocalModule module = Load();
        using EnteredMode outputs = module.Modes.Enter([module], new ModeChange { PreAllocatedOutputs = preAllocated });
        using (module.EnableCudaGraphs())
        {
            for (int round = 0; round < 25; round++)
            {
                AssertRight(module, KernelChain.Pixels(1 + (round / 5 * 64), round));
            }

            Assert.Equal(5, module.Counts.Captures);
        }

        for (int round = 0; round < 50; round++)
        {
            using EnteredMode toggled = round % 2 == 0 ? module.EnableCudaGraphs() : module.EnablePreAllocatedOutputs();
            AssertRight(module, KernelChain.Pixels(1 + (round % 25), round));
        }
    }

    [Fact, Trait("row", "CG-04"), Trait("row", "CG-06"), Trait("row", "ST-01")]
    public void Device_tensors_of_two_callers_on_two_streams_are_right_and_results_are_kept()
    {
        LocalModule module = Load(lanes: 1);
        using EnteredMode scope = module.EnableCudaGraphs();
        using DeviceCaller joined = new(_platform!.Driver, module),
            direct = new(_platform.Driver, module, direct: true);
        var kept = new List<(DeviceCaller By, Tensor Pixels, DeviceTensor[] Results)>();
        for (int round = 0; round < 100; round++)
        {
            DeviceCaller caller = round % 2 == 0 ? joined : direct;
            Tensor pixels = KernelChain.Pixels(17, round);
            DeviceTensor input = caller.Upload(pixels);
            kept.Add((caller, pixels, caller.Call([input])));
            input.Return();
        }

        foreach ((DeviceCaller by, Tensor pixels, DeviceTensor[] results) in kept)
        {
            Assert.InRange(KernelChain.Error(pixels, by.Floats(results[0]), by.Floats(results[1])), 0, 2e-5);
            Array.ForEach(results, result => result.Return());
        }

        Assert.Equal((1, 100), (module.Counts.Captures, module.Counts.Replays));
    }

    [Fact, Trait("row", "CG-17")]
    public async Task A_capture_is_not_broken_by_others_that_allocate_and_synchronize_meanwhile_and_breaks_none_of_them()
    {
        LocalModule module = Load();
        ICudaDriver driver = _platform!.Driver;
        using var stop = new CancellationTokenSource();
        long rounds = 0;
        Task[] others =
        [
            .. Enumerable
                .Range(0, 2)
                .Select(_ =>
                    Task.Factory.StartNew(
                        () =>
                        {
                            using DeviceContext context = DeviceContext.Retain(driver, 0);
                            using ContextEntry entry = context.Enter();
                            using DeviceStream stream = DeviceStream.Create(context);
                            while (!stop.IsCancellationRequested)
                            {
                                using DeviceBuffer buffer = DeviceBuffer.Allocate(context, 1 << 16);
                                driver.MemsetD8Async(buffer.Pointer, 1, buffer.ByteCount, stream.Handle).ThrowIfFailed();
                                stream.Synchronize();
                                Interlocked.Increment(ref rounds);
                            }
                        },
                        TestContext.Current.CancellationToken,
                        TaskCreationOptions.LongRunning,
                        TaskScheduler.Default
                    )
                ),
        ];
        try
        {
            using EnteredMode scope = module.EnableCudaGraphs();
            for (int rows = 1; rows <= 60 || Interlocked.Read(ref rounds) < 20; rows++)
            {
                AssertRight(module, KernelChain.Pixels(rows, rows));
            }

            InstanceCounts counts = module.Counts;
            Assert.True(counts.Captures >= 60, $"{counts.Captures} captures");
            Assert.Equal(0, counts.FailedCaptures);
        }
        finally
        {
            await stop.CancelAsync();
        }

        await Task.WhenAll(others).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact, Trait("row", "PA-06"), Trait("row", "PA-10")]
    public void Pre_allocated_results_that_the_caller_keeps_are_replaced_and_the_set_is_given_back_when_the_scope_ends()
    {
        LocalModule module = Load(lanes: 1);
        using DeviceCaller caller = new(_platform!.Driver, module);
        using (module.EnablePreAllocatedOutputs())
        {
            Tensor[] pixels = [.. Enumerable.Range(0, 6).Select(seed => KernelChain.Pixels(8, seed))];
            DeviceTensor[][] results = [.. pixels.Select(tensor => caller.Call([caller.Upload(tensor)]))];
            Assert.All(
                Enumerable.Range(0, 6),
                call =>
                    Assert.InRange(
                        KernelChain.Error(pixels[call], caller.Floats(results[call][0]), caller.Floats(results[call][1])),
                        0,
                        2e-5
                    )
            );
            Assert.Equal(2, module.Instance.Lanes.Sum(lane => lane.Lane.KeptOutputs));
        }

        Assert.Equal(0, module.Instance.Lanes.Sum(lane => lane.Lane.KeptOutputs));
        AssertRight(module, KernelChain.Pixels(8, 2));
    }

    [Fact, Trait("row", "OA-08")]
    public void Outputs_from_the_allocator_are_right_and_their_own()
    {
        LocalModule module = Load();
        using EnteredMode scope = module.EnableOutputAllocator();
        using DeviceCaller caller = new(_platform!.Driver, module);
        Tensor[] pixels = [KernelChain.Pixels(5, 1), KernelChain.Pixels(700, 2), KernelChain.Pixels(5, 3)];
        DeviceTensor[][] results = [.. pixels.Select(tensor => caller.Call([caller.Upload(tensor)]))];
        for (int call = 0; call < pixels.Length; call++)
        {
            Assert.InRange(KernelChain.Error(pixels[call], caller.Floats(results[call][0]), caller.Floats(results[call][1])), 0, 2e-5);
        }

        Assert.True(module.Counts.AllocatorCalls >= 6);
    }

    [Theory, Trait("row", "MD-12"), Trait("row", "MD-15"), Trait("row", "CG-21")]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.Auto)]
    public void Ten_callers_with_their_own_data_get_their_own_answers_on_three_lanes(CudaGraphsMode graphs)
    {
        LocalModule module = Load(lanes: 3);
        using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = graphs });
        Parallel.For(
            0,
            10,
            new ParallelOptions { MaxDegreeOfParallelism = 10 },
            caller =>
            {
                for (int call = 0; call < 10; call++)
                {
                    AssertRight(module, KernelChain.Pixels(12, (caller * 100) + call));
                }
            }
        );
        Assert.InRange(module.Instance.Lanes.Count, 1, 3);
    }

    [Fact, Trait("row", "MD-08"), Trait("row", "MD-09")]
    public void Safe_mode_moves_an_input_from_another_device_to_the_module()
    {
        LocalModule module = Load();
        Assert.SkipUnless(_platform!.Devices.Count > 1, "This needs two devices.");
        LocalModule elsewhere = _runtime!.Load(Path.Combine(_folder.Path, "module.json"), device: 1, name: "elsewhere");
        using DeviceCaller far = new(_platform.Driver, elsewhere),
            home = new(_platform.Driver, module);
        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        for (int round = 0; round < 20; round++)
        {
            Tensor pixels = KernelChain.Pixels(300, round);
            DeviceTensor[] results = home.Call([far.Upload(pixels)]);
            Assert.Equal(0, results[0].Ordinal);
            Assert.InRange(KernelChain.Error(pixels, home.Floats(results[0]), home.Floats(results[1])), 0, 2e-5);
        }

        Assert.Equal(20, module.Counts.MovedInputs);
    }

    [Fact, Trait("row", "IN-06")]
    public void A_part_of_a_batch_is_an_input_like_any_other()
    {
        LocalModule module = Load();
        using DeviceCaller caller = new(_platform!.Driver, module);
        Tensor batch = KernelChain.Pixels(20, 4);
        DeviceTensor whole = caller.Upload(batch);
        for (int row = 0; row < 20; row++)
        {
            DeviceTensor[] results = caller.Call([whole.Part((ulong)(row * KernelChain.Width), new TensorShape(1, KernelChain.Width))]);
            var expected = new Tensor(
                "pixels",
                ElementType.UInt8,
                new TensorShape(1, KernelChain.Width),
                batch.Data.Slice(row * KernelChain.Width, KernelChain.Width)
            );
            Assert.InRange(KernelChain.Error(expected, caller.Floats(results[0]), caller.Floats(results[1])), 0, 2e-5);
        }
    }

    /// <summary>Devices, or a skip with the reason.</summary>
    internal abstract Platform Open();

    private LocalModule Load(int lanes = 2)
    {
        _platform = Open();
        _runtime = new LocalRuntime(_platform);
        return _runtime.Load(KernelChain.Write(_folder), lanes: lanes);
    }

    private static void AssertRight(LocalModule module, Tensor pixels) =>
        Assert.InRange(KernelChain.Error(pixels, module.Forward(pixels)), 0, 2e-5);
}

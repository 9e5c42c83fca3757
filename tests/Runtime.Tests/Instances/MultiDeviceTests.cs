using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Instances;

public sealed class MultiDeviceTests
{
    [Fact, Trait("row", "MD-02"), Trait("row", "MD-08"), Trait("row", "MD-09")]
    public void Safe_mode_moves_an_input_to_the_engines_device_and_off_it_is_a_typed_error()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModels.Scale(2), device: 0),
            elsewhere = bench.Open(TinyModels.Scale(2), device: 1);
        using DeviceCaller caller = new(bench, elsewhere),
            home = new(bench, module);
        DeviceTensor far = caller.Upload(X(3));
        var outputs = new DeviceTensor[1];

        ForwardException refused = Assert.Throws<ForwardException>(() => module.Forward([far], outputs, home.Caller));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Contains("lies on device 1, the instance on device 0", refused.Message, StringComparison.Ordinal);

        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(1);
        DeviceTensor result = home.Call([far])[0];
        Assert.Equal(0, result.Ordinal);
        Assert.Equal([6, 6, 6, 6], home.Floats(result));
        Assert.Equal(1, module.Counts.MovedInputs);
        Assert.Equal(0, (bench.Driver.Snapshot(1) - before).Launches);
    }

    [Fact]
    public void An_aliased_input_is_never_moved()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder)),
            elsewhere = bench.Open(TinyModels.Scale(2), device: 1);
        using EnteredMode safe = module.Modes.SetMultiDeviceSafeMode(true);
        using DeviceCaller far = new(bench, elsewhere),
            home = new(bench, module);
        DeviceTensor cache = far.Upload(Workbench.Floats("cache", [64], new float[64])),
            x = home.Upload(Workbench.Floats("x", [1], 1));
        Assert.Contains("cannot be moved", Assert.Throws<ForwardException>(() => home.Call([cache, x])).Message, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "MD-16")]
    public void Eight_callers_with_mixed_current_devices_get_right_answers_and_keep_their_contexts()
    {
        using var bench = Workbench.WithDevices(2);
        LocalModule[] modules = [bench.Open(TinyModels.Scale(2), 0, lanes: 2), bench.Open(TinyModels.Scale(2), 1, lanes: 2)];
        using EnteredMode safe = modules[0].Modes.SetMultiDeviceSafeMode(true);
        ICudaDriver driver = bench.Driver;
        RunOnThreads(
            8,
            caller =>
            {
                CuContext own = default;
                if (caller == 0)
                {
                    driver.CtxCreate(out own, new CuDevice(1)).ThrowIfFailed();
                }
                else if (caller > 1)
                {
                    driver.DevicePrimaryCtxRetain(out own, new CuDevice(caller % 2)).ThrowIfFailed();
                    driver.CtxPushCurrent(own).ThrowIfFailed();
                }

                for (int call = 0; call < 25; call++)
                {
                    float value = (caller * 100) + call;
                    Assert.Equal(
                        [2 * value, 2 * value, 2 * value, 2 * value],
                        Workbench.Floats(modules[(caller + call) % 2].Forward(X(value))[0])
                    );
                    driver.CtxGetCurrent(out CuContext current).ThrowIfFailed();
                    Assert.Equal(own, current);
                }

                if (caller == 0)
                {
                    driver.CtxDestroy(own).ThrowIfFailed();
                }
                else if (caller > 1)
                {
                    driver.CtxPopCurrent(out _).ThrowIfFailed();
                    driver.DevicePrimaryCtxRelease(new CuDevice(caller % 2)).ThrowIfFailed();
                }
            }
        );
    }

    [Fact, Trait("row", "MD-12"), Trait("row", "MD-13"), Trait("row", "MD-15")]
    public void Ten_callers_share_one_engine_without_mixing_data_and_contexts_follow_the_lanes()
    {
        using var bench = new Workbench();
        LocalModule one = bench.Open(TinyModels.Scale(2), lanes: 1),
            four = bench.Open(TinyModels.Scale(3), lanes: 4);
        RunOnThreads(
            10,
            caller =>
            {
                for (int run = 0; run < 10; run++)
                {
                    float value = (caller * 10) + run;
                    Assert.Equal(2 * value, Workbench.Floats(one.Forward(X(value))[0])[0]);
                    Assert.Equal(3 * value, Workbench.Floats(four.Forward(X(value))[0])[0]);
                }
            }
        );
        Assert.Equal(1, one.Counts.Contexts);
        Assert.InRange(four.Counts.Contexts, 1, 4);
    }

    [Fact, Trait("row", "MD-11")]
    public void Four_devices_do_four_times_the_work_of_one_in_virtual_time()
    {
        TimeSpan Elapsed(int devices)
        {
            using var bench = new Workbench(EmulatedDriverOptions.WithDevices(devices) with { Policy = ExecutionPolicy.Timed });
            string path = EmulatedModels.Scaled(bench.Folder, """, "microseconds": 1000""");
            ModuleInstance[] instances = [.. Enumerable.Range(0, devices).Select(device => bench.Load(path, device, lanes: 1))];
            foreach (ModuleInstance instance in instances)
            {
                Workbench.Forward(instance, X(1));
            }

            TimeSpan start = bench.Driver.Clock.Elapsed;
            for (int round = 0; round < 16 / devices; round++)
            {
                var lanes = new List<ILane>();
                foreach (ModuleInstance instance in instances)
                {
                    Assert.True(instance.TryLease(out ILane lane));
                    lane.Submit([new LaneForward([X(round)], [])], new(), () => { });
                    lanes.Add(lane);
                }

                foreach (ILane lane in lanes)
                {
                    ((HostLane)lane).Lane.WaitUntilIdle();
                    Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
                    Assert.Equal(2f * round, Workbench.Floats(lane.TakeOutputs(0)[0])[0]);
                    lane.Dispose();
                }
            }

            return bench.Driver.Clock.Elapsed - start;
        }

        TimeSpan one = Elapsed(1),
            four = Elapsed(4);
        Assert.True(one / four >= 3.8, $"one device took {one}, four took {four}");
    }

    [Fact, Trait("row", "ST-02")]
    public void A_default_stream_costs_two_pairs_of_events_and_a_private_one_none()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        using DeviceCaller joined = new(bench, module),
            direct = new(bench, module, direct: true);
        foreach (DeviceCaller caller in new[] { joined, direct })
        {
            DeviceTensor x = caller.Upload(X(1));
            caller.Call([x])[0].Return();
            EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
            DeviceTensor result = caller.Call([x])[0];
            EmulatedDeviceSnapshot spent = bench.Driver.Snapshot(0) - before;
            Assert.Equal(caller == joined ? 2 : 0, spent.EventWaits);
            Assert.Equal([2, 2, 2, 2], caller.Floats(result));
        }
    }

    [Fact, Trait("row", "LZ-01")]
    public void A_lazily_loaded_module_fails_until_it_is_set_up_and_a_second_set_up_does_nothing()
    {
        using var bench = new Workbench();
        using LocalModule module = bench.Local.Load(bench.Folder.Write("m.onnx", TinyModels.Scale(2)), lazy: true);
        Assert.False(module.IsSetUp);
        Assert.Empty(bench.Driver.Alive());
        Assert.Equal(FailureKind.ModelNotLoaded, Assert.Throws<ForwardException>(() => module.Forward(X(1))).Kind);
        module.Setup();
        ModuleInstance instance = module.Instance;
        Assert.Equal(0, module.Counts.Contexts);
        module.Setup();
        Assert.Same(instance, module.Instance);
        Assert.Equal([2, 2, 2, 2], Workbench.Floats(module.Forward(X(1))[0]));
        Assert.Equal(1, module.Counts.Contexts);
    }

    private static Tensor X(float value) => Workbench.Floats("x", [1, 4], value, value, value, value);

    private static void RunOnThreads(int count, Action<int> body)
    {
        Exception? failure = null;
        Thread[] threads =
        [
            .. Enumerable
                .Range(0, count)
                .Select(index => new Thread(() =>
                {
                    try
                    {
                        body(index);
                    }
                    catch (Exception trouble)
                    {
                        Interlocked.CompareExchange(ref failure, trouble, null);
                    }
                })),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "A caller hangs."));
        Assert.Null(failure);
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Instances;

public sealed class FaultTests
{
    [Theory, Trait("row", "CG-15")]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.PerSegment)]
    public void A_refused_launch_is_an_error_without_outputs_and_the_next_call_works(CudaGraphsMode graphs)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        var settings = new ModeSettings { CudaGraphs = graphs };
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0) { Times = 4 });
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, settings, X()));
        Assert.Equal(FailureKind.BackendFailed, refused.Kind);
        Assert.Equal(1, instance.HomePool.Lent);
        for (int call = 0; call < 4 && Record.Exception(() => Workbench.Forward(instance, settings, X())) is not null; call++) { }

        Assert.Equal([2, 4, 6, 8], Workbench.Floats(Workbench.Forward(instance, settings, X())[0]));
    }

    [Fact]
    public void A_failed_capture_falls_back_to_a_plain_launch_and_after_two_stays_plain()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        var settings = new ModeSettings { CudaGraphs = CudaGraphsMode.PerSegment };
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.FailedCapture, 0) { Times = 2 });
        for (int call = 0; call < 5; call++)
        {
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(Workbench.Forward(instance, settings, X())[0]));
        }

        Assert.Equal(
            (2, 0, 0),
            (instance.Counters.Snapshot().FailedCaptures, instance.Counters.Snapshot().Captures, instance.Counters.Snapshot().Replays)
        );
    }

    [Fact]
    public void One_failed_capture_is_tried_again()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder), lanes: 1);
        var settings = new ModeSettings { CudaGraphs = CudaGraphsMode.WholeModule };
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.FailedCapture, 0));
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal([24, 48, 72, 96], Workbench.Floats(Workbench.Forward(instance, settings, X())[0]));
        }

        Assert.Equal(
            (1, 1, 2),
            (instance.Counters.Snapshot().FailedCaptures, instance.Counters.Snapshot().Captures, instance.Counters.Snapshot().Replays)
        );
    }

    [Fact]
    public void A_full_device_fails_the_forward_alone()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        for (int after = 0; after < 6; after++)
        {
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.AllocationFailure, 0) { After = after });
            Exception? trouble = Record.Exception(() =>
                Workbench.Forward(
                    instance,
                    new ModeSettings { CudaGraphs = CudaGraphsMode.PerSegment },
                    Workbench.Floats("x", [after + 1, 4], new float[(after + 1) * 4])
                )
            );
            Assert.True(trouble is null or ForwardException { Kind: FailureKind.OutOfDeviceMemory }, $"{trouble}");
            Assert.Equal([2, 4, 6, 8], Workbench.Floats(Workbench.Forward(instance, X())[0]));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_lost_device_fails_the_forward_marks_the_group_and_leaves_other_devices_alone(bool atOnce)
    {
        var driver = new EmulatedCudaDriver(EmulatedDriverOptions.WithDevices(2) with { Strict = true });
        using var platform = new Platform(driver, StandardBackends.Catalogue);
        using var folder = new ModuleFolder();
        string path = folder.Write("m.onnx", TinyModels.Scale(2));
        var source = new ModuleSource(new ModelReference("m"), path);
        using IDeviceGroup group = platform.OpenGroup(0),
            other = platform.OpenGroup(1);
        using ModuleInstance lost = platform.LoadInstance(source, 0, new InstanceOptions(), CancellationToken.None),
            well = platform.LoadInstance(source, 1, new InstanceOptions(), CancellationToken.None);
        Workbench.Forward(lost, X());
        driver.Inject(new EmulatedFault(atOnce ? EmulatedFaultKind.LostDevice : EmulatedFaultKind.StickyError, 0));

        ForwardException failed = Assert.Throws<ForwardException>(() => Workbench.Forward(lost, X()));
        Assert.Equal(FailureKind.DeviceLost, failed.Kind);
        Assert.NotNull(group.Fault);
        Assert.Null(other.Fault);
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(Workbench.Forward(well, X())[0]));
        Assert.Equal(FailureKind.DeviceLost, Assert.Throws<ForwardException>(() => Workbench.Forward(lost, X())).Kind);
        Assert.Equal(FailureKind.DeviceLost, Assert.Throws<ForwardException>(() => platform.OpenGroup(0)).Kind);
    }

    [Fact]
    public void A_fault_is_blamed_on_the_device_that_failed_and_not_on_the_home_of_the_module()
    {
        var driver = new EmulatedCudaDriver(EmulatedDriverOptions.WithDevices(2) with { Strict = true });
        using var platform = new Platform(driver, StandardBackends.Catalogue);
        using var folder = new ModuleFolder();
        var source = new ModuleSource(new ModelReference("m"), TinyModules.Hybrid(folder, middleDevice: 1));
        using IDeviceGroup group = platform.OpenGroup(0, 1);
        using ModuleInstance instance = platform.LoadInstance(source, 0, new InstanceOptions(), CancellationToken.None);
        Assert.Equal([24, 48, 72, 96], Workbench.Floats(Workbench.Forward(instance, X())[0]));
        driver.Inject(new EmulatedFault(EmulatedFaultKind.StickyError, 1));
        ForwardException failed = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X()));
        Assert.Equal(FailureKind.DeviceLost, failed.Kind);
        Assert.Contains("Device 1 ", failed.Message, StringComparison.Ordinal);
        Assert.StartsWith("device 1:", group.Fault, StringComparison.Ordinal);
        using IDeviceGroup home = platform.OpenGroup(0);
        Assert.Null(home.Fault);
        Assert.Throws<ForwardException>(() => platform.OpenGroup(1));
    }

    [Fact]
    public void A_device_that_fails_while_a_module_is_loaded_on_several_is_the_one_that_is_blamed()
    {
        var driver = new EmulatedCudaDriver(EmulatedDriverOptions.WithDevices(2) with { Strict = true });
        using var platform = new Platform(driver, StandardBackends.Catalogue);
        using var folder = new ModuleFolder();
        var source = new ModuleSource(new ModelReference("m"), TinyModules.Hybrid(folder, middleDevice: 1));
        driver.Inject(new EmulatedFault(EmulatedFaultKind.LostDevice, 1));
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            platform.LoadInstance(source, 0, new InstanceOptions(), CancellationToken.None)
        );
        Assert.Equal(FailureKind.DeviceLost, refused.Kind);
        Assert.Contains("Device 1 ", refused.Message, StringComparison.Ordinal);
        using IDeviceGroup home = platform.OpenGroup(0);
        Assert.Null(home.Fault);
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 2, 3, 4);
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Faults;

public sealed class EmulatedFaultsTests
{
    [Fact]
    public void A_planned_allocation_failure_strikes_its_call_and_no_other()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.AllocationFailure, 0) { After = 1, Times = 2 });
        stage.Memory(64);
        Assert.Equal(CuResult.OutOfMemory, stage.Driver.MemAlloc(out _, 64));
        Assert.Equal(CuResult.OutOfMemory, stage.Driver.MemAlloc(out _, 64));
        stage.Memory(64);
        Assert.Equal(2, stage.Driver.Snapshot(0).Faults);
        stage.On(1);
        stage.Memory(64);
    }

    [Fact]
    public void A_refused_launch_runs_nothing_and_leaves_the_device_healthy()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0));
        CuStream stream = stage.Stream();
        var kernel = TestKernel.Takes(default);
        Assert.Equal(CuResult.LaunchOutOfResources, stage.Driver.LaunchManaged(stream, kernel));
        Assert.Equal(0, kernel.Runs);
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, kernel));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(stream));
        Assert.Equal(1, kernel.Runs);
    }

    [Theory]
    [InlineData((int)ExecutionPolicy.Inline)]
    [InlineData((int)ExecutionPolicy.Deferred)]
    public void A_sticky_error_surfaces_at_the_next_call_and_stays(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.StickyError, 0) { Status = CuResult.IllegalInstruction });
        CuStream stream = stage.Stream();
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, TestKernel.Takes(default)));
        Assert.Equal(CuResult.IllegalInstruction, stage.Driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.IllegalInstruction, stage.Driver.MemAlloc(out _, 64));
        Assert.True(new CudaException(CuResult.IllegalInstruction, "x").IsContextFatal);
    }

    [Fact]
    public void A_failing_capture_ends_invalidated_and_the_next_one_works()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.FailedCapture, 0));
        CuStream stream = stage.Stream();
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        Assert.Equal(CuResult.StreamCaptureInvalidated, stage.Driver.StreamEndCapture(stream, out _));
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Driver.StreamEndCapture(stream, out _));
        Assert.Equal((1, 1), (stage.Driver.Snapshot(0).Captures, stage.Driver.Snapshot(0).FailedCaptures));
    }

    [Fact]
    public void A_lost_device_answers_for_ever_and_its_sibling_works()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        CuStream stream = stage.Stream();
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.LostDevice, 0) { After = 1 });
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, TestKernel.Takes(default)));
        Assert.Equal(CuResult.EccUncorrectable, stage.Driver.LaunchManaged(stream, TestKernel.Takes(default)));
        Assert.Equal(CuResult.EccUncorrectable, stage.Driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.EccUncorrectable, stage.Driver.MemAlloc(out DevicePointer _, 16));
        stage.On(1);
        stage.Memory(64);
    }

    [Fact]
    public void Random_faults_are_the_same_for_the_same_seed()
    {
        Assert.Equal(Draw(5), Draw(5));
        Assert.NotEqual(Draw(5), Draw(6));

        static string Draw(int seed)
        {
            using var stage = new EmulatedStage(
                new EmulatedDriverOptions
                {
                    Seed = seed,
                    FaultRates = new Dictionary<EmulatedFaultKind, double> { [EmulatedFaultKind.AllocationFailure] = 0.3 },
                }
            );
            return string.Concat(
                Enumerable.Range(0, 64).Select(_ => stage.Driver.MemAlloc(out DevicePointer _, 64) == CuResult.Success ? '.' : 'x')
            );
        }
    }
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Driver;

/// <summary>Wrong programs, each with the code it fails with, in every policy. What CUDA leaves undefined is an error here.
/// Commands are carried out by <see cref="CommandRunner"/>.</summary>
public sealed class EmulatedStrictnessTests
{
    public static TheoryData<int> Policies => [(int)ExecutionPolicy.Inline, (int)ExecutionPolicy.Deferred, (int)ExecutionPolicy.Timed];

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_kernel_that_reads_freed_memory_fails_the_device(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        DevicePointer values = stage.Memory(64);
        ContractDevice.Ok(stage.Driver.MemFree(values));
        Assert.Equal(CuResult.IllegalAddress, LaunchAndSynchronize(stage, TestKernel.Reads(values, 4)));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_kernel_that_reads_beyond_the_end_fails_the_device(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        Assert.Equal(CuResult.IllegalAddress, LaunchAndSynchronize(stage, TestKernel.Reads(stage.Memory(64) + 60, 8)));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_kernel_that_reads_another_devices_memory_fails_its_device_alone(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        stage.On(1);
        DevicePointer there = stage.Memory(64);
        stage.On(0);
        Assert.Equal(CuResult.IllegalAddress, LaunchAndSynchronize(stage, TestKernel.Reads(there, 4)));
        stage.On(1);
        ContractDevice.Ok(stage.Driver.CtxSynchronize());
        stage.Memory(64);
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_fault_ends_all_devices_where_the_options_say_so(int policy)
    {
        using var stage = new EmulatedStage(
            EmulatedDriverOptions.WithDevices(2) with
            {
                Policy = (ExecutionPolicy)policy,
                FaultsEndTheProcess = true,
            }
        );
        Assert.Equal(CuResult.IllegalAddress, LaunchAndSynchronize(stage, TestKernel.Reads(new DevicePointer(16), 4)));
        stage.On(1);
        Assert.Equal(CuResult.IllegalAddress, stage.Driver.MemAlloc(out _, 64));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public unsafe void A_kernel_that_touches_what_it_did_not_declare_fails_the_device(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        DevicePointer values = stage.Memory(64);
        var kernel = new TestKernel(
            "liar",
            [new DeviceAccess(values, 4, AccessKind.Read)],
            memory =>
            {
                _ = memory.Resolve(values + 4, 4);
                return CuResult.Success;
            }
        );
        Assert.Equal(CuResult.IllegalAddress, LaunchAndSynchronize(stage, kernel));
        Assert.Contains(stage.Driver.Reports, report => report.Contains("liar", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void An_exception_in_a_kernel_or_host_function_fails_the_device(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        Assert.Equal(
            CuResult.LaunchFailed,
            LaunchAndSynchronize(stage, new TestKernel("thrower", [], _ => throw new InvalidOperationException("no")))
        );
        using var other = EmulatedStage.With((ExecutionPolicy)policy);
        CuStream stream = other.Stream();
        ContractDevice.Ok(other.Driver.LaunchHostFunc(stream, new Thrower()));
        Assert.Equal(CuResult.LaunchFailed, other.Driver.StreamSynchronize(stream));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_handle_is_void_once_destroyed(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        EmulatedCudaDriver driver = stage.Driver;
        CuStream stream = stage.Stream();
        CuEvent @event = stage.Event();
        CuStream kept = stage.Stream();
        ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.StreamEndCapture(stream, out CuGraph graph));
        ContractDevice.Ok(driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        ContractDevice.Ok(driver.StreamDestroy(stream));
        ContractDevice.Ok(driver.EventDestroy(@event));
        ContractDevice.Ok(driver.GraphDestroy(graph));
        ContractDevice.Ok(driver.GraphExecDestroy(executable));
        Assert.NotEqual(stream, stage.Stream());
        Assert.Equal(CuResult.InvalidHandle, driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.InvalidHandle, driver.StreamDestroy(stream));
        Assert.Equal(CuResult.InvalidHandle, driver.EventRecord(@event, kept));
        Assert.Equal(CuResult.InvalidHandle, driver.EventDestroy(@event));
        Assert.Equal(CuResult.InvalidValue, driver.GraphLaunch(executable, kept));
        Assert.Equal(CuResult.InvalidValue, driver.GraphExecDestroy(executable));
        Assert.Equal(CuResult.InvalidValue, driver.GraphInstantiate(out _, graph, CuGraphInstantiateFlags.None));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void Handles_of_one_kind_are_not_handles_of_another(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        CuStream stream = stage.Stream();
        Assert.Equal(CuResult.InvalidHandle, stage.Driver.EventQuery(new CuEvent(stream.Value)));
        Assert.Equal(CuResult.InvalidValue, stage.Driver.GraphLaunch(new CuGraphExec(stream.Value), stream));
    }

    [Theory]
    [MemberData(nameof(Policies))]
    public void A_handle_of_a_destroyed_context_is_void(int policy)
    {
        using var stage = EmulatedStage.With((ExecutionPolicy)policy);
        ContractDevice.Ok(stage.Driver.CtxCreate(out CuContext created, new CuDevice(0)));
        CuStream stream = stage.Stream();
        DevicePointer values = stage.Memory(64);
        ContractDevice.Ok(stage.Driver.CtxDestroy(created));
        Assert.Equal(CuResult.InvalidHandle, stage.Driver.StreamSynchronize(stream));
        Assert.Equal(CuResult.InvalidValue, stage.Driver.MemFree(values));
        Assert.Equal(CuResult.InvalidContext, stage.Driver.CtxPushCurrent(created));
    }

    [Fact]
    public unsafe void Strict_memory_is_poisoned_before_and_after_use()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Deferred);
        ContractDevice.Ok(stage.Driver.MemAlloc(out DevicePointer values, 4));
        uint fresh;
        ContractDevice.Ok(stage.Driver.MemcpyDtoH((nint)(&fresh), values, 4));
        Assert.Equal(0xCBCBCBCBu, fresh);
        ContractDevice.Ok(stage.Driver.MemFree(values));
        ContractDevice.Ok(stage.Driver.MemAlloc(out DevicePointer again, 4));
        Assert.NotEqual(values, again);
    }

    [Fact]
    public void Strict_addresses_are_never_given_out_twice()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Deferred);
        var seen = new HashSet<DevicePointer>();
        for (int i = 0; i < 500; i++)
        {
            DevicePointer pointer = stage.Memory(1 << 20);
            Assert.True(seen.Add(pointer));
            ContractDevice.Ok(stage.Driver.MemFree(pointer));
        }
    }

    [Fact]
    public void A_launch_after_a_second_launch_of_one_executable_is_ordered_behind_the_first()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Deferred);
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(first, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64)));
        ContractDevice.Ok(stage.Driver.StreamEndCapture(first, out CuGraph graph));
        ContractDevice.Ok(stage.Driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        ContractDevice.Ok(stage.Driver.GraphLaunch(executable, first));
        ContractDevice.Ok(stage.Driver.GraphLaunch(executable, second));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(second));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(first));
    }

    private static CuResult LaunchAndSynchronize(EmulatedStage stage, ManagedKernel kernel)
    {
        CuStream stream = stage.Stream();
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, kernel));
        return stage.Driver.StreamSynchronize(stream);
    }

    private sealed class Thrower : HostFunction
    {
        public override void Invoke() => throw new InvalidOperationException("no");
    }
}

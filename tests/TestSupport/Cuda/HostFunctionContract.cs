using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Host functions: run in stream order, and may call nothing of the driver.</summary>
public abstract class HostFunctionContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void A_host_function_runs_in_the_order_of_its_stream()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        DevicePointer values = device.Memory(4);
        Span<uint> host = device.Pinned<uint>(1, out HostPointer pinned);
        host[0] = 0;
        var seen = new Reader(pinned);
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 77, 1));
        ContractDevice.Ok(device.Driver.MemcpyDtoHAsync(pinned.Address, values, 4, stream));
        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, seen));
        device.Finish(stream);
        Assert.Equal(77u, seen.Value);
    }

    [Fact]
    public void A_captured_host_function_runs_at_each_replay()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        var counter = new Counter();
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, counter));
        CuGraphExec executable = device.EndAndInstantiate(stream);
        Assert.Equal(0, counter.Calls);
        for (int i = 0; i < 3; i++)
        {
            ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        }

        device.Finish(stream);
        Assert.Equal(3, counter.Calls);
    }

    [Fact]
    public void The_driver_refuses_calls_from_a_host_function()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        var caller = new Caller(device);
        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, caller));
        device.Finish(stream);
        Assert.NotEmpty(caller.Answers);
        Assert.All(caller.Answers, answer => Assert.Equal(CuResult.NotPermitted, answer));
        ContractDevice.Ok(device.Driver.MemGetInfo(out _, out _));
    }

    private sealed unsafe class Reader(HostPointer pointer) : HostFunction
    {
        public uint Value { get; private set; }

        // SAFETY: the test frees the pointer after the stream is done.
        public override void Invoke() => Value = *(uint*)pointer.Address;
    }

    private sealed class Counter : HostFunction
    {
        public int Calls { get; private set; }

        public override void Invoke() => Calls++;
    }

    /// <summary>A real driver lets event records and waits through unchecked (seen on CUDA 13.0); the emulator refuses those too, in tests
    /// of its own.</summary>
    private sealed class Caller(ContractDevice device) : HostFunction
    {
        public List<CuResult> Answers { get; } = [];

        public override void Invoke()
        {
            ICudaDriver driver = device.Driver;
            Answers.Add(driver.MemAlloc(out _, 64));
            Answers.Add(driver.CtxGetCurrent(out _));
            Answers.Add(driver.CtxPushCurrent(device.Context));
            Answers.Add(driver.CtxSynchronize());
            Answers.Add(driver.DeviceGetCount(out _));
            Answers.Add(driver.DevicePrimaryCtxRetain(out _, device.Device));
            Answers.Add(driver.StreamCreate(out _, CuStreamFlags.NonBlocking, 0));
        }
    }
}

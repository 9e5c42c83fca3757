using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Recorded graphs: what a replay does, what it reads anew, and what an executable survives.</summary>
public abstract class GraphContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void A_capture_records_and_a_replay_runs()
    {
        using var device = Open();
        var stream = device.Stream();
        var increase = device.Function(ContractKernels.Increase);
        var values = device.Memory(16);
        device.Upload(values, 1u, 2u, 3u, 4u);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.LaunchIncrease(increase, stream, values, 10, 4));
        var executable = device.EndAndInstantiate(stream);
        Assert.Equal([1u, 2u, 3u, 4u], device.Download<uint>(values, 4));

        for (var i = 0; i < 3; i++) ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([31u, 32u, 33u, 34u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void A_replay_reads_captured_host_memory_anew()
    {
        using var device = Open();
        var stream = device.Stream();
        var values = device.Memory(4);
        var host = device.Pinned<uint>(1, out var pinned);
        host[0] = 7;
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.Driver.MemcpyHtoDAsync(values, pinned.Address, 4, stream));
        var executable = device.EndAndInstantiate(stream);
        host[0] = 8;
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([8u], device.Download<uint>(values, 1));
        host[0] = 9;
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([9u], device.Download<uint>(values, 1));
    }
}

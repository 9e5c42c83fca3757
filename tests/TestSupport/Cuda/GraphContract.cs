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
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuFunction increase = device.Function(ContractKernels.Increase);
        DevicePointer values = device.Memory(16);
        device.Upload(values, 1u, 2u, 3u, 4u);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.LaunchIncrease(increase, stream, values, 10, 4));
        CuGraphExec executable = device.EndAndInstantiate(stream);
        Assert.Equal([1u, 2u, 3u, 4u], device.Download<uint>(values, 4));

        for (int i = 0; i < 3; i++)
        {
            ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        }

        device.Finish(stream);
        Assert.Equal([31u, 32u, 33u, 34u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void A_replay_reads_captured_host_memory_anew()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(4);
        Span<uint> host = device.Pinned<uint>(1, out HostPointer pinned);
        host[0] = 7;
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.Driver.MemcpyHtoDAsync(values, pinned.Address, 4, stream));
        CuGraphExec executable = device.EndAndInstantiate(stream);
        host[0] = 8;
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([8u], device.Download<uint>(values, 1));
        host[0] = 9;
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([9u], device.Download<uint>(values, 1));
    }

    [Fact]
    public void An_executable_outlives_its_graph()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 6, 4));
        CuGraphExec executable = device.EndAndInstantiate(stream);
        ContractDevice.Ok(device.Driver.GraphUpload(executable, stream));
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([6u, 6u, 6u, 6u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void Destroying_an_executable_in_flight_lets_the_replay_finish()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        using var gate = new GateFunction();
        ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(device.LaunchFill(fill, stream, values, 8, 4));
        ContractDevice.Ok(driver.StreamEndCapture(stream, out CuGraph graph));
        ContractDevice.Ok(driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        gate.Blocks(device, stream);
        ContractDevice.Ok(driver.GraphLaunch(executable, stream));
        ContractDevice.Ok(driver.GraphExecDestroy(executable));
        ContractDevice.Ok(driver.GraphDestroy(graph));
        gate.Open();
        device.Finish(stream);
        Assert.Equal([8u, 8u, 8u, 8u], device.Download<uint>(values, 4));
    }

    [Fact]
    public void Kernel_arguments_are_those_of_the_recording()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(8);
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(device.Driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        for (uint i = 0; i < 2; i++)
        {
            ContractDevice.Ok(device.LaunchFill(fill, stream, values + (i * 4), i + 40, 1));
        }

        CuGraphExec executable = device.EndAndInstantiate(stream);
        ContractDevice.Ok(device.Driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([40u, 41u], device.Download<uint>(values, 2));
    }

    [Fact]
    public void An_update_takes_new_values_and_refuses_another_shape()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(16);
        CuFunction fill = device.Function(ContractKernels.Fill);
        CuGraphExec executable = Instantiate(1);
        CuGraph same = Record(1, 5);
        ContractDevice.Ok(driver.GraphExecUpdate(executable, same, out CuGraphExecUpdateResult result));
        Assert.Equal(CuGraphExecUpdateResult.Success, result);
        ContractDevice.Ok(driver.GraphLaunch(executable, stream));
        device.Finish(stream);
        Assert.Equal([5u, 5u, 5u, 5u], device.Download<uint>(values, 4));

        CuGraph longer = Record(2, 6);
        Assert.Equal(CuResult.GraphExecUpdateFailure, driver.GraphExecUpdate(executable, longer, out result));
        Assert.Equal(CuGraphExecUpdateResult.TopologyChanged, result);

        ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.MemsetD8Async(values, 1, 4, stream));
        ContractDevice.Ok(driver.StreamEndCapture(stream, out CuGraph other));
        device.AtEnd(() => driver.GraphDestroy(other));
        Assert.Equal(CuResult.GraphExecUpdateFailure, driver.GraphExecUpdate(executable, other, out result));
        Assert.Equal(CuGraphExecUpdateResult.NodeTypeChanged, result);

        CuGraph Record(int launches, uint value)
        {
            ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
            for (int i = 0; i < launches; i++)
            {
                ContractDevice.Ok(device.LaunchFill(fill, stream, values, value, 4));
            }

            ContractDevice.Ok(driver.StreamEndCapture(stream, out CuGraph graph));
            device.AtEnd(() => driver.GraphDestroy(graph));
            return graph;
        }

        CuGraphExec Instantiate(uint value)
        {
            ContractDevice.Ok(driver.GraphInstantiate(out CuGraphExec made, Record(1, value), CuGraphInstantiateFlags.None));
            device.AtEnd(() => driver.GraphExecDestroy(made));
            return made;
        }
    }

    [Fact]
    public void A_graph_is_printed_in_the_dot_language()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        DevicePointer values = device.Memory(16);
        ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(driver.MemsetD8Async(values, 1, 16, stream));
        ContractDevice.Ok(driver.StreamEndCapture(stream, out CuGraph graph));
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.dot");
        ContractDevice.Ok(driver.GraphDebugDotPrint(graph, path));
        Assert.Contains("digraph", File.ReadAllText(path), StringComparison.Ordinal);
        File.Delete(path);
        Assert.Equal(CuResult.OperatingSystem, driver.GraphDebugDotPrint(graph, Path.Combine(path, "not", "there.dot")));
        ContractDevice.Ok(driver.GraphDestroy(graph));
    }
}

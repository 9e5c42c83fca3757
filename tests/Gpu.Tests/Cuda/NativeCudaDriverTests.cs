using System.Diagnostics;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Interop;
using Troupe.TestSupport.Cuda;

namespace Troupe.Gpu.Tests.Cuda;

/// <summary>What only a real driver can show: its table, its devices, and what a graph saves.</summary>
public sealed class NativeCudaDriverTests(ITestOutputHelper output) : DriverContract<NativeDriverFixture>
{
    [Fact]
    public void Every_symbol_of_the_table_is_found()
    {
        using ContractDevice device = Open();
        int slots = typeof(CudaApi).GetFields(System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Public).Length;
        Assert.Equal(slots, NativeDriverFixture.Driver.Symbols.Asked.Count);
        Assert.All(
            NativeDriverFixture.Driver.Symbols.Asked,
            symbol => Assert.True(symbol.Value.Address != 0, $"{symbol.Key} of version {symbol.Value.Version}")
        );
    }

    [Fact]
    public void Devices_are_listed_with_name_memory_and_capability()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.DriverGetVersion(out int version));
        ContractDevice.Ok(device.Driver.DeviceGetCount(out int count));
        output.WriteLine($"driver {version}, {count} device(s)");
        for (int ordinal = 0; ordinal < count; ordinal++)
        {
            ContractDevice.Ok(device.Driver.DeviceGet(out CuDevice one, ordinal));
            ContractDevice.Ok(device.Driver.DeviceGetName(out string name, one));
            ContractDevice.Ok(device.Driver.DeviceGetUuid(out Guid uuid, one));
            ContractDevice.Ok(device.Driver.DeviceTotalMem(out ulong bytes, one));
            ContractDevice.Ok(device.Driver.DeviceGetAttribute(out int major, CuDeviceAttribute.ComputeCapabilityMajor, one));
            output.WriteLine($"{ordinal}: {name}, {bytes >> 20} MiB, compute capability {major}.x");
            Assert.Contains("NVIDIA", name, StringComparison.Ordinal);
            Assert.NotEqual(Guid.Empty, uuid);
            Assert.True(bytes > 1UL << 30);
        }
    }

    [Fact]
    public void An_image_that_is_refused_comes_with_the_compilers_log()
    {
        using ContractDevice device = Open();

        CuResult status = device.Driver.ModuleLoadData(
            out _,
            ".version 6.0\n.target sm_50\n.address_size 64\n.visible .entry broken() { nonsense; }"u8,
            out string log
        );

        Assert.Equal(CuResult.InvalidPtx, status);
        Assert.Contains("nonsense", log, StringComparison.Ordinal);
        Assert.NotEqual(default, device.Function(ContractKernels.Add));
    }

    [Fact]
    public void Enqueueing_a_host_function_allocates_nothing_once_it_is_known()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CountingFunction function = new();
        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, function));
        device.Finish(stream);

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            device.Driver.LaunchHostFunc(stream, function);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        device.Finish(stream);
        Assert.Equal(101, function.Calls);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void An_exception_in_a_host_function_does_not_unwind_into_the_driver()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        ThrowingFunction function = new();

        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, function));
        device.Finish(stream);

        Assert.IsType<InvalidOperationException>(function.Escaped);
    }

    [Fact]
    public void A_graph_of_twenty_kernels_does_their_work_and_its_launch_is_timed()
    {
        const int kernels = 20,
            rounds = 200;
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction increase = device.Function(ContractKernels.Increase);
        DevicePointer values = device.Memory(1024);
        device.Upload(values, new uint[256]);
        ContractDevice.Ok(driver.StreamBeginCapture(stream, CuStreamCaptureMode.ThreadLocal));
        for (int i = 0; i < kernels; i++)
        {
            ContractDevice.Ok(device.LaunchIncrease(increase, stream, values, 1, 256));
        }

        CuGraphExec graph = device.EndAndInstantiate(stream);
        double launched = Median(
            rounds,
            () =>
            {
                for (int i = 0; i < kernels; i++)
                {
                    device.LaunchIncrease(increase, stream, values, 1, 256);
                }

                driver.StreamSynchronize(stream);
            }
        );
        double replayed = Median(
            rounds,
            () =>
            {
                driver.GraphLaunch(graph, stream);
                driver.StreamSynchronize(stream);
            }
        );

        output.WriteLine(
            $"{kernels} kernel launches and a synchronization: {launched:F1} µs; one graph launch and a synchronization: {replayed:F1} µs (medians of {rounds})"
        );
        Assert.Equal((uint)(2 * rounds * kernels), device.Download<uint>(values, 1)[0]);
    }

    private static double Median(int rounds, Action round)
    {
        double[] micros = new double[rounds];
        for (int i = 0; i < rounds; i++)
        {
            long start = Stopwatch.GetTimestamp();
            round();
            micros[i] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
        }

        Array.Sort(micros);
        return micros[rounds / 2];
    }

    private sealed class CountingFunction : HostFunction
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public override void Invoke() => Interlocked.Increment(ref _calls);
    }

    private sealed class ThrowingFunction : HostFunction
    {
        public override void Invoke() => throw new InvalidOperationException("on purpose");
    }
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Execution;

/// <summary>The serving policy costs no managed memory per call in steady state. Time is printed, not gated: two shared cores tell
/// nothing.</summary>
public sealed class InlineCostTests(ITestOutputHelper output)
{
    [Fact]
    public void A_warm_loop_of_every_hot_call_allocates_nothing()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Inline);
        var loop = new HotLoop(stage);
        for (int i = 0; i < 2000; i++)
        {
            loop.Once();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            loop.Once();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        const int Rounds = 20_000;
        foreach ((string? name, int calls, Action? body) in loop.Parts())
        {
            for (int i = 0; i < 5000; i++)
            {
                body();
            }

            TimeSpan part = Environment.CpuUsage.TotalTime;
            for (int i = 0; i < Rounds; i++)
            {
                body();
            }

            output.WriteLine($"{name}: {(Environment.CpuUsage.TotalTime - part).TotalNanoseconds / Rounds / calls:F0} ns");
        }

        TimeSpan start = Environment.CpuUsage.TotalTime;
        for (int i = 0; i < Rounds; i++)
        {
            loop.Once();
        }

        output.WriteLine(
            $"all: {(Environment.CpuUsage.TotalTime - start).TotalNanoseconds / Rounds / HotLoop.Calls:F0} ns of processor time per call"
        );
    }

    private sealed class HotLoop
    {
        public const int Calls = 14;

        private readonly EmulatedCudaDriver _driver;
        private readonly CuContext _context;
        private readonly CuStream _stream;
        private readonly CuEvent _event;
        private readonly DevicePointer _values;
        private readonly DevicePointer _more;
        private readonly HostPointer _pinned;
        private readonly TestKernel _kernel;
        private readonly Nothing _function = new();
        private readonly CuGraphExec _executable;
        private readonly CuFunction _fill;
        private readonly byte[] _arguments = new byte[16];
        private readonly int[] _sizes = [8, 4, 4];

        public HotLoop(EmulatedStage stage)
        {
            _driver = stage.Driver;
            _context = stage.Contexts[0];
            _stream = stage.Stream();
            _event = stage.Event();
            _values = stage.Memory(64);
            _more = stage.Memory(64);
            _pinned = stage.Pinned(64);
            _kernel = new TestKernel("hot", [new DeviceAccess(_values, 64, AccessKind.ReadWrite)]);
            ContractDevice.Ok(_driver.StreamBeginCapture(_stream, CuStreamCaptureMode.ThreadLocal));
            ContractDevice.Ok(_driver.LaunchManaged(_stream, _kernel));
            ContractDevice.Ok(_driver.StreamEndCapture(_stream, out CuGraph graph));
            ContractDevice.Ok(_driver.GraphInstantiate(out _executable, graph, CuGraphInstantiateFlags.None));
            ContractDevice.Ok(_driver.ModuleLoadData(out CuModule module, ContractKernels.Ptx, out _));
            ContractDevice.Ok(_driver.ModuleGetFunction(out _fill, module, ContractKernels.Fill));
            BitConverter.TryWriteBytes(_arguments, _values.Address);
            BitConverter.TryWriteBytes(_arguments.AsSpan(12), 4u);
        }

        public void Once()
        {
            Check(_driver.CtxPushCurrent(_context));
            Check(_driver.MemcpyHtoDAsync(_more, _pinned.Address, 64, _stream));
            Check(_driver.MemcpyDtoDAsync(_values, _more, 64, _stream));
            Check(_driver.LaunchManaged(_stream, _kernel));
            Check(_driver.LaunchKernel(_fill, new Dim3(1), new Dim3(32), 0, _stream, _arguments, _sizes));
            Check(_driver.MemsetD8Async(_values, 1, 64, _stream));
            Check(_driver.GraphLaunch(_executable, _stream));
            Check(_driver.MemcpyDtoHAsync(_pinned.Address, _more, 64, _stream));
            Check(_driver.LaunchHostFunc(_stream, _function));
            Check(_driver.EventRecord(_event, _stream));
            Check(_driver.StreamWaitEvent(_stream, _event));
            Check(_driver.EventQuery(_event));
            Check(_driver.StreamSynchronize(_stream));
            Check(_driver.CtxPopCurrent(out _));
        }

        public IEnumerable<(string Name, int Calls, Action Body)> Parts()
        {
            yield return ("push and pop", 2, PushAndPop);
            yield return ("copy to device", 1, () => Check(_driver.MemcpyHtoDAsync(_values, _pinned.Address, 64, _stream)));
            yield return ("copy to host", 1, () => Check(_driver.MemcpyDtoHAsync(_pinned.Address, _values, 64, _stream)));
            yield return ("fill", 1, () => Check(_driver.MemsetD8Async(_values, 1, 64, _stream)));
            yield return ("managed kernel", 1, () => Check(_driver.LaunchManaged(_stream, _kernel)));
            yield return (
                "named kernel",
                1,
                () => Check(_driver.LaunchKernel(_fill, new Dim3(1), new Dim3(32), 0, _stream, _arguments, _sizes))
            );
            yield return ("replay", 1, () => Check(_driver.GraphLaunch(_executable, _stream)));
            yield return ("host function", 1, () => Check(_driver.LaunchHostFunc(_stream, _function)));
            yield return ("record", 1, () => Check(_driver.EventRecord(_event, _stream)));
            yield return ("wait", 1, () => Check(_driver.StreamWaitEvent(_stream, _event)));
            yield return ("query", 1, () => Check(_driver.EventQuery(_event)));
            yield return ("synchronize", 1, () => Check(_driver.StreamSynchronize(_stream)));
        }

        private void PushAndPop()
        {
            Check(_driver.CtxPushCurrent(_context));
            Check(_driver.CtxPopCurrent(out _));
        }

        private static void Check(CuResult status)
        {
            if (status != CuResult.Success)
            {
                throw new InvalidOperationException(status.ToString());
            }
        }

        private sealed class Nothing : HostFunction
        {
            public override void Invoke() { }
        }
    }
}

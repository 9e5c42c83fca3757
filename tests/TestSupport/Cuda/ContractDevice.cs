using System.Runtime.InteropServices;
using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>What a contract test works with: the driver, a current device context, and shorthands that fail the test on any
/// error.</summary>
internal sealed unsafe class ContractDevice : IDisposable
{
    private readonly DriverFixture _fixture;
    private readonly bool _ownContext;
    private readonly Stack<Action> _cleanup = new();

    public ContractDevice(DriverFixture fixture, ICudaDriver driver, bool ownContext)
    {
        _fixture = fixture;
        _ownContext = ownContext;
        Driver = driver;
        Ok(driver.DeviceGet(out CuDevice device, 0));
        Device = device;
        if (ownContext)
        {
            Ok(driver.CtxCreate(out CuContext created, device));
            Context = created;
        }
        else
        {
            Ok(driver.DevicePrimaryCtxRetain(out CuContext primary, device));
            Ok(driver.CtxPushCurrent(primary));
            Context = primary;
        }
    }

    public ICudaDriver Driver { get; }

    public bool RunsAtEnqueue => _fixture.RunsAtEnqueue;

    public CuDevice Device { get; }

    public CuContext Context { get; }

    public static void Ok(CuResult status, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(status))] string call = "")
    {
        if (status != CuResult.Success)
        {
            Assert.Fail($"{call} answered {status}.");
        }
    }

    /// <summary>Something to do when the test ends, last registered first, whatever happened.</summary>
    public void AtEnd(Action action) => _cleanup.Push(action);

    public CuStream Stream()
    {
        Ok(Driver.StreamCreate(out CuStream stream, CuStreamFlags.NonBlocking, 0));
        AtEnd(() => Driver.StreamDestroy(stream));
        return stream;
    }

    public CuEvent Event(CuEventFlags flags = CuEventFlags.DisableTiming)
    {
        Ok(Driver.EventCreate(out CuEvent @event, flags));
        AtEnd(() => Driver.EventDestroy(@event));
        return @event;
    }

    public DevicePointer Memory(ulong bytes)
    {
        Ok(Driver.MemAlloc(out DevicePointer pointer, bytes));
        AtEnd(() => Driver.MemFree(pointer));
        return pointer;
    }

    public HostPointer Pinned(ulong bytes)
    {
        Ok(Driver.MemHostAlloc(out HostPointer pointer, bytes, CuMemHostAllocFlags.Portable));
        AtEnd(() => Driver.MemFreeHost(pointer));
        return pointer;
    }

    /// <summary>Page-locked memory as a span of values.</summary>
    public Span<T> Pinned<T>(int count, out HostPointer pointer)
        where T : unmanaged
    {
        pointer = Pinned((ulong)(count * sizeof(T)));
        // SAFETY: the driver handed out count elements, freed when the test ends.
        return new Span<T>((void*)pointer.Address, count);
    }

    public void Upload<T>(DevicePointer destination, params T[] values)
        where T : unmanaged
    {
        // SAFETY: the array is fixed during a synchronous copy.
        fixed (T* source = values)
        {
            Ok(Driver.MemcpyHtoD(destination, (nint)source, (ulong)(values.Length * sizeof(T))));
        }
    }

    public T[] Download<T>(DevicePointer source, int count)
        where T : unmanaged
    {
        var values = new T[count];
        // SAFETY: the array is fixed during a synchronous copy.
        fixed (T* destination = values)
        {
            Ok(Driver.MemcpyDtoH((nint)destination, source, (ulong)(count * sizeof(T))));
        }

        return values;
    }

    /// <summary>Waits for a stream and expects no error.</summary>
    public void Finish(CuStream stream) => Ok(Driver.StreamSynchronize(stream));

    /// <summary>Ends a capture and instantiates what it recorded.</summary>
    public CuGraphExec EndAndInstantiate(CuStream stream)
    {
        Ok(Driver.StreamEndCapture(stream, out CuGraph graph));
        Ok(Driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        Ok(Driver.GraphDestroy(graph));
        AtEnd(() => Driver.GraphExecDestroy(executable));
        return executable;
    }

    /// <summary>Loads the contract kernels and finds one.</summary>
    public CuFunction Function(string name)
    {
        Ok(Driver.ModuleLoadData(out CuModule module, ContractKernels.Ptx, out _));
        AtEnd(() => Driver.ModuleUnload(module));
        Ok(Driver.ModuleGetFunction(out CuFunction function, module, name));
        return function;
    }

    /// <summary>Launches <c>add_f32</c>: sum[i] = left[i] + right[i].</summary>
    public CuResult LaunchAdd(CuFunction function, CuStream stream, DevicePointer sum, DevicePointer left, DevicePointer right, uint count)
    {
        Span<byte> arguments = stackalloc byte[32];
        MemoryMarshal.Write(arguments, sum.Address);
        MemoryMarshal.Write(arguments[8..], left.Address);
        MemoryMarshal.Write(arguments[16..], right.Address);
        MemoryMarshal.Write(arguments[24..], count);
        return Driver.LaunchKernel(function, new Dim3((count + 127) / 128), new Dim3(128), 0, stream, arguments[..28], [8, 8, 8, 4]);
    }

    /// <summary>Launches <c>fill_u32</c>: each of count values becomes <paramref name="value"/>.</summary>
    public CuResult LaunchFill(CuFunction function, CuStream stream, DevicePointer destination, uint value, uint count) =>
        LaunchPointerAndTwo(function, stream, destination, value, count);

    /// <summary>Launches <c>increase_u32</c>: each of count values grows by <paramref name="by"/>.</summary>
    public CuResult LaunchIncrease(CuFunction function, CuStream stream, DevicePointer values, uint by, uint count) =>
        LaunchPointerAndTwo(function, stream, values, by, count);

    public void Dispose()
    {
        while (_cleanup.TryPop(out Action? action))
        {
            action();
        }

        if (_ownContext)
        {
            Driver.CtxDestroy(Context);
        }
        else
        {
            Driver.CtxPopCurrent(out _);
            Driver.DevicePrimaryCtxRelease(Device);
        }

        _fixture.Close(Driver);
        _fixture.Dispose();
    }

    private CuResult LaunchPointerAndTwo(CuFunction function, CuStream stream, DevicePointer pointer, uint first, uint count)
    {
        Span<byte> arguments = stackalloc byte[16];
        MemoryMarshal.Write(arguments, pointer.Address);
        MemoryMarshal.Write(arguments[8..], first);
        MemoryMarshal.Write(arguments[12..], count);
        return Driver.LaunchKernel(function, new Dim3((count + 127) / 128), new Dim3(128), 0, stream, arguments, [8, 4, 4]);
    }
}

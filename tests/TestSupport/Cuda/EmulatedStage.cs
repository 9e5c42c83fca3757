using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;

namespace Troupe.TestSupport.Cuda;

/// <summary>An emulated driver with the primary context of device 0 current, for tests of what only emulated devices promise.</summary>
internal sealed class EmulatedStage : IDisposable
{
    public EmulatedStage(EmulatedDriverOptions options)
    {
        Driver = new EmulatedCudaDriver(options);
        ContractKernels.Register(Driver);
        Contexts = new CuContext[options.Devices.Count];
        for (int i = 0; i < Contexts.Length; i++)
        {
            ContractDevice.Ok(Driver.DevicePrimaryCtxRetain(out Contexts[i], new CuDevice(i)));
        }

        ContractDevice.Ok(Driver.CtxPushCurrent(Contexts[0]));
    }

    public EmulatedCudaDriver Driver { get; }

    public CuContext[] Contexts { get; }

    public static EmulatedStage With(ExecutionPolicy policy, int seed = 1, int devices = 2, EmulatedDeviceOptions? device = null) =>
        new(EmulatedDriverOptions.WithDevices(devices, device) with { Policy = policy, Seed = seed });

    /// <summary>Makes another device's context current.</summary>
    public void On(int ordinal) => ContractDevice.Ok(Driver.CtxSetCurrent(Contexts[ordinal]));

    public CuStream Stream()
    {
        ContractDevice.Ok(Driver.StreamCreate(out CuStream stream, CuStreamFlags.NonBlocking, 0));
        return stream;
    }

    public CuEvent Event(CuEventFlags flags = CuEventFlags.DisableTiming)
    {
        ContractDevice.Ok(Driver.EventCreate(out CuEvent @event, flags));
        return @event;
    }

    public DevicePointer Memory(ulong bytes)
    {
        ContractDevice.Ok(Driver.MemAlloc(out DevicePointer pointer, bytes));
        return pointer;
    }

    public HostPointer Pinned(ulong bytes)
    {
        ContractDevice.Ok(Driver.MemHostAlloc(out HostPointer pointer, bytes, CuMemHostAllocFlags.Portable));
        return pointer;
    }

    public void Dispose() => Driver.Dispose();
}

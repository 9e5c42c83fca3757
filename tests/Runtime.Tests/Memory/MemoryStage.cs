using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>One emulated device with a pool and some streams.</summary>
internal sealed class MemoryStage : IDisposable
{
    public MemoryStage(EmulatedDriverOptions? options = null)
    {
        Driver = new EmulatedCudaDriver(options ?? new EmulatedDriverOptions { Strict = true });
        Devices = new DeviceAllocators(Driver);
        Pool = Devices.Open(0);
        Device = Pool.Device;
        Driver.CtxSetCurrent(Device.Handle).ThrowIfFailed();
        Streams = [DeviceStream.Create(Device), DeviceStream.Create(Device), DeviceStream.Create(Device)];
    }

    public EmulatedCudaDriver Driver { get; }

    public DeviceAllocators Devices { get; }

    public BlockPool Pool { get; }

    public DeviceContext Device { get; }

    public DeviceStream[] Streams { get; }

    public MemoryCounts Counts => Devices.CountsOf(0);

    public long Allocations => Driver.Snapshot(0).Allocations;

    public DeviceBlock Rent(ulong bytes, DeviceStream stream) => Pool.Rent(bytes, stream);

    /// <summary>A forward: all of it is lent at one time, then all of it comes back.</summary>
    public void Pass(params ulong[] sizes)
    {
        DeviceBlock[] blocks = [.. sizes.Select(size => Rent(size, Streams[0]))];
        Array.ForEach(blocks, block => block.Return(block.Generation));
    }

    /// <summary>Work on a stream that takes as long, and touches 512 bytes unless none are given.</summary>
    public void Run(DeviceStream stream, DevicePointer touches, int milliseconds) =>
        Driver.LaunchManaged(stream.Handle, new Busy(touches, TimeSpan.FromMilliseconds(milliseconds))).ThrowIfFailed();

    public void Dispose()
    {
        Array.ForEach(Streams, stream => stream.Dispose());
        Pool.Dispose();
        Driver.CtxSetCurrent(default).ThrowIfFailed();
        IReadOnlyList<string> alive = Driver.Alive();
        Driver.Dispose();
        Assert.Empty(alive);
    }

    private sealed class Busy(DevicePointer touches, TimeSpan duration) : ManagedKernel
    {
        private readonly DeviceAccess[] _accesses = touches.IsNull ? [] : [new DeviceAccess(touches, 512, AccessKind.ReadWrite)];

        public override string Name => "busy";

        public override TimeSpan Duration => duration;

        public override ReadOnlySpan<DeviceAccess> Accesses => _accesses;

        public override CuResult Run(IEmulatedMemory memory) => CuResult.Success;
    }
}

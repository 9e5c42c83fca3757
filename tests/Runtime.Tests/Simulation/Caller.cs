using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>Somebody with device tensors and a stream of their own on one device.</summary>
internal sealed class Caller : IDisposable
{
    public Caller(Platform platform, int device, int number)
    {
        Device = device;
        Number = number;
        Context = DeviceContext.Retain(platform.Driver, device);
        Stream = DeviceStream.Create(Context);
        Pool = platform.Memory.Open(device);
    }

    public int Device { get; }

    public int Number { get; }

    public DeviceContext Context { get; }

    public DeviceStream Stream { get; }

    /// <summary>Where the caller's own tensors lie.</summary>
    public BlockPool Pool { get; }

    public void Dispose()
    {
        using (Context.Enter())
        {
            Context.Driver.StreamSynchronize(Stream.Handle);
        }

        Pool.Dispose();
        Stream.Dispose();
        Context.Dispose();
    }
}

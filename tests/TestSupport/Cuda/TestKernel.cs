using Troupe.Runtime.Cuda;

namespace Troupe.TestSupport.Cuda;

/// <summary>A managed kernel made of declared accesses and a body, for tests.</summary>
internal sealed class TestKernel(
    string name,
    DeviceAccess[] accesses,
    Func<IEmulatedMemory, CuResult>? body = null,
    TimeSpan duration = default
) : ManagedKernel
{
    public override string Name => name;

    public override ReadOnlySpan<DeviceAccess> Accesses => accesses;

    public override TimeSpan Duration => duration;

    public int Runs { get; private set; }

    public static TestKernel Reads(DevicePointer start, ulong bytes) => new("reader", [new DeviceAccess(start, bytes, AccessKind.Read)]);

    public static TestKernel Writes(DevicePointer start, ulong bytes) => new("writer", [new DeviceAccess(start, bytes, AccessKind.Write)]);

    public static TestKernel Takes(TimeSpan duration) => new("timed", [], duration: duration);

    public override CuResult Run(IEmulatedMemory memory)
    {
        Runs++;
        return body?.Invoke(memory) ?? CuResult.Success;
    }
}

using Microsoft.ML.OnnxRuntime;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Copies outputs that ONNX Runtime allocated into device memory that was obtained once their sizes were known.</summary>
/// <remarks><b>Owns</b> the values until they are copied. <b>Thread</b> the driver's. <b>Blocks</b> for the copy.</remarks>
internal sealed class OnnxDelivery(string engine, int outputs) : ManagedKernel, IDisposable
{
    private IDisposable? _owned;
    private readonly OrtValue[] _values = new OrtValue[outputs];
    private readonly DeviceAccess[] _accesses = new DeviceAccess[outputs];

    public override string Name => $"{engine} delivery";

    public override ReadOnlySpan<DeviceAccess> Accesses => _accesses;

    public void Prepare(int output, OrtValue value, DevicePointer target, ulong bytes)
    {
        _values[output] = value;
        _accesses[output] = new DeviceAccess(target, bytes, AccessKind.Write);
    }

    /// <summary>What it copies from next is its own, until that is copied.</summary>
    public void Own(IDisposable values) => Interlocked.Exchange(ref _owned, values)?.Dispose();

    public void Dispose() => Interlocked.Exchange(ref _owned, null)?.Dispose();

    public override unsafe CuResult Run(IEmulatedMemory memory)
    {
        for (int output = 0; output < _values.Length; output++)
        {
            DeviceAccess target = _accesses[output];
            if (target.ByteCount > 0)
            {
                ReadOnlySpan<byte> bytes = _values[output].GetTensorMutableRawData();

                // SAFETY: the target was resolved for exactly the bytes it was declared with, which are the value's size.
                bytes[..(int)target.ByteCount]
                    .CopyTo(new Span<byte>(memory.Resolve(target.Start, target.ByteCount), (int)target.ByteCount));
            }
        }

        Dispose();
        return CuResult.Success;
    }
}

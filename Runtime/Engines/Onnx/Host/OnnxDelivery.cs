using Microsoft.ML.OnnxRuntime;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Copies outputs that ONNX Runtime allocated into device memory that was obtained once their sizes were known.</summary>
/// <remarks>The values belong to the measurement, which outlives this launch. <b>Thread</b> the driver's. <b>Blocks</b> for the
/// copy.</remarks>
internal sealed class OnnxDelivery(string engine, int outputs) : ManagedKernel
{
    private readonly OrtValue[] _values = new OrtValue[outputs];
    private readonly DeviceAccess[] _accesses = new DeviceAccess[outputs];

    public override string Name => $"{engine} delivery";

    public override ReadOnlySpan<DeviceAccess> Accesses => _accesses;

    public void Prepare(int output, OrtValue value, DevicePointer target, ulong bytes)
    {
        _values[output] = value;
        _accesses[output] = new DeviceAccess(target, bytes, AccessKind.Write);
    }

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

        return CuResult.Success;
    }
}

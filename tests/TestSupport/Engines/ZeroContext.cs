using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Engines;

/// <summary>One call at a time: the output is set to zeros.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class ZeroContext(EngineHome home, EngineTensor tensor, Action? onEnqueue) : IExecutionContext
{
    private DevicePointer _output;

    public bool CanCapture => true;

    public void SetInputShape(int input, in TensorShape shape) => ArgumentOutOfRangeException.ThrowIfNotEqual(shape, tensor.Shape);

    public void InferShapes(Span<TensorShape> outputs) => outputs[0] = tensor.Shape;

    public void SetInputAddress(int input, DevicePointer address)
    {
        // Zeros depend on nothing.
    }

    public void SetOutputAddress(int output, DevicePointer address) => _output = address;

    public void Enqueue(CuStream stream)
    {
        onEnqueue?.Invoke();
        home.Driver.MemsetD8Async(_output, 0, (ulong)tensor.Type.ByteCount(tensor.Shape.ElementCount), stream).ThrowIfFailed();
    }

    public void Dispose()
    {
        // Nothing of the device is held.
    }
}

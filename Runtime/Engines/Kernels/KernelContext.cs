using System.Runtime.InteropServices;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>One call at a time of a kernel: shapes, addresses, and the launch with its arguments.</summary>
/// <remarks><b>Owns</b> nothing on the device. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class KernelContext(KernelEngine engine) : IExecutionContext, IAllocatedOutputs
{
    private const uint ThreadsPerBlock = 256;

    private readonly TensorShape?[] _shapes = new TensorShape?[engine.Inputs.Count];
    private readonly DevicePointer[] _inputs = new DevicePointer[engine.Inputs.Count];
    private readonly int[] _sizes = [.. engine.Manifest.Kernel.ParameterSizes];
    private readonly float[] _scalars = [.. engine.Manifest.Scalars];
    private DevicePointer _output;
    private IOutputAllocator? _allocator;

    public bool CanCapture => true;

    public IAllocatedOutputs? AllocatedOutputs => this;

    public void SetInputShape(int input, in TensorShape shape)
    {
        EngineTensor tensor = engine.Inputs[input];
        if (!tensor.Admits(shape) || shape.ElementCount > int.MaxValue)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{tensor.Name}' of '{engine.Name}' has the shape {shape}; it must be {tensor.Shape}, where -1 is free, of at most {int.MaxValue} elements."
            );
        }

        _shapes[input] = shape;
    }

    public void InferShapes(Span<TensorShape> outputs) => outputs[0] = Shape();

    public void SetInputAddress(int input, DevicePointer address) => _inputs[input] = address;

    public void SetOutputAddress(int output, DevicePointer address)
    {
        _output = address;
        _allocator = null;
    }

    public void SetAllocator(int output, IOutputAllocator allocator) => _allocator = allocator;

    public void Enqueue(CuStream stream)
    {
        TensorShape shape = Shape();
        long elements = shape.ElementCount;
        if (_allocator is { } allocator)
        {
            _output = allocator.Reallocate(0, (ulong)Math.Max(elements * sizeof(float), 1), (ulong)engine.Outputs[0].Alignment, stream);
            allocator.NotifyShape(0, shape);
        }

        if (elements == 0)
        {
            return;
        }

        uint width = engine.Manifest.Kernel.WorksOnRows ? (uint)shape[shape.Rank - 1] : 1;
        uint threads = (uint)(elements / width);
        Span<byte> arguments = stackalloc byte[64];
        int length = Pack(arguments, width, threads);
        engine
            .Home.Driver.LaunchKernel(
                engine.Function,
                new Dim3((threads + ThreadsPerBlock - 1) / ThreadsPerBlock),
                new Dim3(ThreadsPerBlock),
                0,
                stream,
                arguments[..length],
                _sizes
            )
            .ThrowIfFailed();
    }

    public void Dispose()
    {
        // Nothing of the device is held.
    }

    private int Pack(Span<byte> arguments, uint width, uint threads)
    {
        int offset = 0;
        MemoryMarshal.Write(arguments, _output.Address);
        offset += sizeof(ulong);
        foreach (DevicePointer input in _inputs)
        {
            MemoryMarshal.Write(arguments[offset..], input.Address);
            offset += sizeof(ulong);
        }

        foreach (float scalar in _scalars)
        {
            MemoryMarshal.Write(arguments[offset..], scalar);
            offset += sizeof(float);
        }

        if (engine.Manifest.Kernel.WorksOnRows)
        {
            MemoryMarshal.Write(arguments[offset..], width);
            offset += sizeof(uint);
        }

        MemoryMarshal.Write(arguments[offset..], threads);
        return offset + sizeof(uint);
    }

    /// <summary>The one shape of all tensors.</summary>
    private TensorShape Shape()
    {
        TensorShape? first = _shapes[0];
        for (int input = 0; input < _shapes.Length; input++)
        {
            if (_shapes[input] is not { } shape)
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The output shapes of '{engine.Name}' cannot be inferred: its input '{engine.Inputs[input].Name}' has no shape."
                );
            }

            if (shape != first)
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The inputs of '{engine.Name}' have the shapes {first} and {shape}; they must be equal."
                );
            }
        }

        return first!.Value;
    }
}

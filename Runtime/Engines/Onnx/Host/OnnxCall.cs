using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>What is set for the next run of a network: shapes, addresses, allocators.</summary>
/// <remarks>Every difference counts up <see cref="Version"/>, so that a recording of an earlier state knows that it is void.
/// <b>Owns</b> nothing. <b>Thread</b> the lane's holder; the version is read by the driver's too.</remarks>
internal sealed class OnnxCall(int inputs, int outputs)
{
    private readonly bool[] _hasShape = new bool[inputs];

    public TensorShape[] InputShapes { get; } = new TensorShape[inputs];

    /// <summary>-1 where a dimension is known only by running.</summary>
    public TensorShape[] OutputShapes { get; } = new TensorShape[outputs];

    public DevicePointer[] Inputs { get; } = new DevicePointer[inputs];

    public DevicePointer[] Outputs { get; } = new DevicePointer[outputs];

    /// <summary>By input: strings that the caller has in host memory, until the run has ended.</summary>
    public ReadOnlyMemory<byte>[] InputStrings { get; } = new ReadOnlyMemory<byte>[inputs];

    /// <summary>By output: strings that the last run made.</summary>
    public ReadOnlyMemory<byte>[] OutputStrings { get; } = new ReadOnlyMemory<byte>[outputs];

    /// <summary>By output: most bytes that its strings may take; negative where nobody reads them.</summary>
    public long[] MostStringBytes { get; } = new long[outputs];

    /// <summary>By output; null where it has an address.</summary>
    public IOutputAllocator?[] Allocators { get; } = new IOutputAllocator?[outputs];

    /// <summary>Counts what was set differently and what ran plainly.</summary>
    public long Version { get; private set; }

    /// <summary>Index of the first input that has no shape; -1 where all have one.</summary>
    public int FirstWithoutShape => Array.IndexOf(_hasShape, false);

    /// <summary>False while an output is still to be measured.</summary>
    public bool KnowsOutputShapes
    {
        get
        {
            foreach (ref readonly TensorShape shape in OutputShapes.AsSpan())
            {
                if (!shape.IsConcrete)
                {
                    return false;
                }
            }

            return true;
        }
    }

    public bool HasInputShape(int input, in TensorShape shape) => _hasShape[input] && InputShapes[input] == shape;

    public void SetInputShape(int input, in TensorShape shape)
    {
        Version++;
        InputShapes[input] = shape;
        _hasShape[input] = true;
    }

    public void SetInputAddress(int input, DevicePointer address)
    {
        Version += Inputs[input] == address ? 0 : 1;
        Inputs[input] = address;
    }

    public void SetOutputAddress(int output, DevicePointer address)
    {
        Version += Outputs[output] == address ? 0 : 1;
        Outputs[output] = address;
        Allocators[output] = null;
    }

    public void ForgetShapes()
    {
        Array.Clear(_hasShape);
        Version++;
    }

    /// <summary>Something else that recordings rely on changed.</summary>
    public void Invalidate() => Version++;
}

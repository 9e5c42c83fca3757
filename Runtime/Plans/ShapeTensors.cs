using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Values of the module's shape-tensor inputs, known on the host before shapes are inferred: they decide shapes, so they belong to
/// the key of plans and graphs.</summary>
/// <remarks><b>Owns</b> a small buffer. <b>Thread</b> the lane's holder. <b>Blocks</b> for the copy to the host, where such an input lies
/// on the device and nowhere else.</remarks>
internal sealed class ShapeTensors
{
    /// <summary>A shape tensor holds dimensions; more values than this are no shape.</summary>
    private const int MaxValues = 64;

    private readonly int[] _inputs;
    private readonly ModuleGraph _graph;
    private readonly long[] _values;
    private int _count;

    public ShapeTensors(ModuleGraph graph)
    {
        _graph = graph;
        _inputs = [.. Enumerable.Range(0, graph.Inputs.Length).Where(input => graph.Tensors[graph.Inputs[input]].IsShapeTensor)];
        _values = _inputs.Length == 0 ? [] : new long[MaxValues * _inputs.Length];
    }

    /// <summary>The values of the forward under way, input after input.</summary>
    public ReadOnlySpan<long> Values => _values.AsSpan(0, _count);

    /// <param name="inputs">In the module's order; not needed where they come from host memory.</param>
    /// <param name="onHost">Their values where they come from host memory; null where they do not.</param>
    /// <param name="shapes">Of the module's inputs.</param>
    public void Read(ReadOnlySpan<DeviceTensor> inputs, IHostValues? onHost, ReadOnlySpan<TensorShape> shapes)
    {
        _count = 0;
        foreach (int input in _inputs)
        {
            GraphTensor tensor = _graph.Tensors[_graph.Inputs[input]];
            RequireFew(tensor, shapes[input]);
            if (onHost is null)
            {
                ReadFromDevice(tensor, inputs[input]);
            }
            else
            {
                Keep(tensor, onHost.Of(input));
            }
        }
    }

    /// <summary>The values of one shape tensor within those of a forward.</summary>
    public static ReadOnlySpan<long> ValuesOf(ModuleGraph graph, ForwardShapes shapes, TensorIndex tensor)
    {
        int start = 0;
        foreach (TensorIndex input in graph.Inputs)
        {
            int count = graph.Tensors[input].IsShapeTensor ? (int)shapes[input].ElementCount : 0;
            if (input == tensor)
            {
                return shapes.Key.ShapeValues.Slice(start, count);
            }

            start += count;
        }

        throw new ForwardException(
            FailureKind.NotSupported,
            $"The shape tensor '{graph.Tensors[tensor].Name}' is computed inside the module; it must be an input of it."
        );
    }

    private unsafe void ReadFromDevice(GraphTensor tensor, in DeviceTensor input)
    {
        Span<byte> raw = stackalloc byte[MaxValues * sizeof(long)];
        raw = raw[..(int)input.Bytes];
        if (raw.Length > 0)
        {
            // SAFETY: the buffer is on this thread's stack and the copies below are complete before it goes.
            fixed (byte* target = raw)
            {
                ICudaDriver driver = input.Block.Pool.Device.Driver;
                if (input.Block.Stream is { IsDisposed: false } stream)
                {
                    driver.StreamSynchronize(stream.Handle).ThrowIfFailed();
                }

                driver.MemcpyDtoH((nint)target, input.Pointer, input.Bytes).ThrowIfFailed();
            }
        }

        Keep(tensor, raw);
    }

    private static void RequireFew(GraphTensor tensor, in TensorShape shape)
    {
        if (shape.ElementCount > MaxValues)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The shape tensor '{tensor.Name}' holds {shape.ElementCount} values; at most {MaxValues} are read."
            );
        }
    }

    private void Keep(GraphTensor tensor, ReadOnlySpan<byte> raw)
    {
        int width = tensor.Type switch
        {
            ElementType.Int32 => sizeof(int),
            ElementType.Int64 => sizeof(long),
            _ => throw new ForwardException(
                FailureKind.NotSupported,
                $"The shape tensor '{tensor.Name}' is {tensor.Type.ProtocolName()}; shapes are INT32 or INT64."
            ),
        };
        for (; raw.Length > 0; raw = raw[width..])
        {
            _values[_count++] = width == sizeof(int) ? BitConverter.ToInt32(raw) : BitConverter.ToInt64(raw);
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Values of the module's shape-tensor inputs, read to the host before shapes are inferred: they decide shapes, so they belong to
/// the key of plans and graphs.</summary>
/// <remarks><b>Owns</b> a small buffer. <b>Thread</b> the lane's holder. <b>Blocks</b> for the copy to the host, in modules that have such
/// inputs and nowhere else.</remarks>
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

    public void Read(ReadOnlySpan<DeviceTensor> inputs)
    {
        _count = 0;
        foreach (int input in _inputs)
        {
            Read(_graph.Tensors[_graph.Inputs[input]], inputs[input]);
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

    private unsafe void Read(GraphTensor tensor, in DeviceTensor input)
    {
        int count = (int)Math.Min(input.Shape.ElementCount, int.MaxValue);
        if (count > MaxValues)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The shape tensor '{tensor.Name}' holds {count} values; at most {MaxValues} are read."
            );
        }

        Span<byte> raw = stackalloc byte[MaxValues * sizeof(long)];
        raw = raw[..(int)input.Bytes];
        if (count > 0)
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

        for (int index = 0; index < count; index++)
        {
            _values[_count++] = input.Type switch
            {
                ElementType.Int32 => BitConverter.ToInt32(raw[(index * sizeof(int))..]),
                ElementType.Int64 => BitConverter.ToInt64(raw[(index * sizeof(long))..]),
                _ => throw new ForwardException(
                    FailureKind.NotSupported,
                    $"The shape tensor '{tensor.Name}' is {input.Type.ProtocolName()}; shapes are INT32 or INT64."
                ),
            };
        }
    }
}

using Troupe.Messages.Forwarding;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>Where the tensors of the forward under way lie: inputs as given, intermediates in the lane's arenas, outputs in blocks that the caller will own.</summary>
/// <remarks>
/// A tensor whose size is not known before its segment ran, and every tensor behind it, lies in a borrowed block.
/// <b>Owns</b> the blocks borrowed for the forward, until it is committed or abandoned. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class TensorMemory
{
    private readonly ModuleGraph _graph;
    private readonly LaneDevice[] _devices;
    private readonly int[] _segmentDevices;
    private readonly bool[] _leaves;
    private readonly int[] _roots;
    private readonly DeviceBlock?[] _blocks;
    private readonly bool[] _isGiven;
    private readonly List<DeviceBlock> _borrowed = [];
    private readonly MeasuredOutputs[] _measured;
    private ForwardPlan? _plan;

    public TensorMemory(ModuleGraph graph, LaneDevice[] devices, int[] segmentDevices)
    {
        _graph = graph;
        _devices = devices;
        _segmentDevices = segmentDevices;
        _roots = [.. graph.Tensors.Select((_, tensor) => RootOf(tensor))];
        _leaves = new bool[graph.Tensors.Length];
        foreach (int output in graph.Outputs)
        {
            _leaves[_roots[output]] = true;
        }

        _blocks = new DeviceBlock?[graph.Tensors.Length];
        _isGiven = new bool[graph.Tensors.Length];
        _measured = [.. graph.Segments.Select((_, segment) => new MeasuredOutputs(this, segment))];
    }

    /// <summary>Gives every intermediate tensor of a complete plan its place.</summary>
    public void Layout(ForwardPlan plan)
    {
        for (int segment = 0; segment < _graph.Segments.Length; segment++)
        {
            foreach (int tensor in _graph.Segments[segment].Inputs)
            {
                if (DeviceOf(tensor) != _segmentDevices[segment])
                {
                    plan.Place(_segmentDevices[segment], tensor);
                }
            }

            foreach (int tensor in _graph.Segments[segment].Outputs)
            {
                if (_roots[tensor] == tensor && !_leaves[tensor])
                {
                    plan.Place(_segmentDevices[segment], tensor);
                }
            }
        }
    }

    /// <summary>Starts a forward: places the inputs, makes room in the arenas, borrows the outputs whose size is known.</summary>
    /// <param name="order">The stream that covers earlier uses of what is borrowed here: the forward will run behind it.</param>
    public void Begin(ForwardPlan plan, ReadOnlySpan<DeviceTensor> inputs, DeviceStream order)
    {
        _plan = plan;
        for (int device = 0; device < _devices.Length; device++)
        {
            Array.Clear(_devices[device].Addresses);
            _devices[device].Arena.Ensure(plan.ArenaBytes[device]);
        }

        for (int index = 0; index < inputs.Length; index++)
        {
            Accept(_graph.Inputs[index], inputs[index]);
        }

        if (plan.IsComplete)
        {
            for (int tensor = 0; tensor < _roots.Length; tensor++)
            {
                if (_leaves[tensor] && !_isGiven[tensor])
                {
                    int device = DeviceOf(tensor);
                    Take(tensor, device, device == 0 ? order : _devices[device].Stream);
                }
            }
        }
    }

    /// <summary>Before a segment is launched: its inputs are brought to its device, and its outputs get their addresses as far as sizes are known.</summary>
    public void Bring(int segment, ForwardPlan plan)
    {
        int at = _segmentDevices[segment];
        DevicePointer[] addresses = _devices[at].Addresses;
        foreach (int tensor in _graph.Segments[segment].Inputs)
        {
            if (addresses[tensor].IsNull)
            {
                Move(tensor, at, plan);
            }
        }

        foreach (int tensor in _graph.Segments[segment].Outputs)
        {
            if (_roots[tensor] != tensor)
            {
                addresses[tensor] = addresses[_roots[tensor]];
            }
            else if (addresses[tensor].IsNull && plan.Known[tensor])
            {
                addresses[tensor] = Obtain(tensor, at, plan);
            }
        }
    }

    /// <summary>Memory for outputs of a segment that are measured while it is enqueued.</summary>
    public IOutputAllocator AllocatorFor(int segment) => _measured[segment];

    /// <summary>Hands the outputs over; everything else borrowed goes back, to be reused behind the lane's streams.</summary>
    public void Commit(Span<DeviceTensor> outputs, DeviceStream order)
    {
        for (int index = 0; index < _graph.Outputs.Length; index++)
        {
            int tensor = _graph.Outputs[index];
            DeviceBlock block = _blocks[_roots[tensor]]!;
            block.Stream = order;
            _borrowed.Remove(block);
            outputs[index] = new DeviceTensor(_graph.Tensors[tensor].Type, _plan!.Shapes[tensor], block);
        }

        ReturnBorrowed();
    }

    /// <summary>Gives everything borrowed back.</summary>
    public void Abandon() => ReturnBorrowed();

    private int RootOf(int tensor) => _graph.Tensors[tensor].AliasOf is int source and >= 0 ? RootOf(source) : tensor;

    /// <summary>Index of the lane's device on which a tensor comes into being.</summary>
    private int DeviceOf(int tensor) => _graph.Tensors[tensor].Producer is int producer and >= 0 ? _segmentDevices[producer] : 0;

    private void Accept(int tensor, in DeviceTensor input)
    {
        if (input.Ordinal != _devices[0].Context.Ordinal)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{_graph.Tensors[tensor].Name}' lies on device {input.Ordinal}, the instance on device {_devices[0].Context.Ordinal}. Turn multi-device safe mode on to have inputs moved.");
        }

        _blocks[tensor] = input.Block;
        _isGiven[tensor] = true;
        _devices[0].Addresses[tensor] = input.Pointer;
    }

    private void Move(int tensor, int to, ForwardPlan plan)
    {
        int from = DeviceOf(tensor);
        if (_graph.Tensors[tensor].IsAliased)
        {
            throw new ForwardException(FailureKind.InvalidInput, $"The tensor '{_graph.Tensors[tensor].Name}' is written in place and cannot be moved to another device.");
        }

        LaneDevice source = _devices[from], target = _devices[to];
        DevicePointer place = Obtain(tensor, to, plan);
        target.WaitFor(source);
        if (plan.Bytes[tensor] > 0)
        {
            target.Context.Driver.MemcpyPeerAsync(place, target.Context.Handle, source.Addresses[tensor], source.Context.Handle, plan.Bytes[tensor], target.Stream.Handle).ThrowIfFailed();
        }

        target.Addresses[tensor] = place;
    }

    private DevicePointer Obtain(int tensor, int device, ForwardPlan plan)
    {
        ulong offset = plan.Offsets[device][tensor];
        return offset != ForwardPlan.Nowhere ? _devices[device].Arena.Start + offset : Take(tensor, device, _devices[device].Stream);
    }

    private DevicePointer Take(int tensor, int device, DeviceStream order)
    {
        DeviceBlock block = Borrow(device, _plan!.Bytes[tensor], order);
        if (device == DeviceOf(tensor))
        {
            _blocks[tensor] = block;
            _devices[device].Addresses[tensor] = block.Pointer;
        }

        return block.Pointer;
    }

    private DeviceBlock Borrow(int device, ulong bytes, DeviceStream order)
    {
        DeviceBlock block = _devices[device].Pool.Rent(bytes, order);
        _borrowed.Add(block);
        return block;
    }

    private void ReturnBorrowed()
    {
        foreach (DeviceBlock block in _borrowed)
        {
            block.Return(block.Generation);
        }

        _borrowed.Clear();
        Array.Clear(_blocks);
        Array.Clear(_isGiven);
        _plan = null;
    }

    /// <summary>Memory for one segment's measured outputs.</summary>
    private sealed class MeasuredOutputs(TensorMemory memory, int segment) : IOutputAllocator
    {
        public DevicePointer Reallocate(int output, ulong bytes, ulong alignment, CuStream stream)
        {
            int tensor = memory._graph.Segments[segment].Outputs[output];
            int device = memory._segmentDevices[segment];
            DeviceBlock block = memory.Borrow(device, bytes, memory._devices[device].Stream);
            memory._blocks[tensor] = block;
            memory._devices[device].Addresses[tensor] = block.Pointer;
            return block.Pointer;
        }

        public void NotifyShape(int output, in TensorShape shape) => memory._plan!.Settle(memory._graph, memory._graph.Segments[segment].Outputs[output], shape);
    }
}

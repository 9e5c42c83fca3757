using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>Where the tensors of the forward under way lie: inputs as given, intermediates in the lane's arenas, outputs in blocks that the
/// caller will own.</summary>
/// <remarks>
/// A tensor whose size is not known before its segment ran, and every tensor behind it, lies in a borrowed block.
/// <b>Owns</b> the blocks borrowed for the forward, until it is committed or abandoned, and the pre-allocated set. <b>Thread</b> the lane's
/// holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class TensorMemory
{
    private readonly ModuleGraph _graph;
    private readonly LaneDevice[] _devices;
    private readonly int[] _segmentDevices;
    private readonly InstanceCounters _counters;
    private readonly bool[] _leaves;
    private readonly int[] _roots;
    private readonly bool[] _hasAliases;
    private readonly DeviceBlock?[] _blocks;
    private readonly bool[] _isGiven;
    private readonly ulong[] _offsets;
    private readonly List<DeviceBlock> _borrowed = [];
    private readonly MeasuredOutputs[] _measured;
    private ForwardPlan? _plan;
    private bool _reusesSet;
    private bool _returns;
    private ModeSettings _settings = ModeSettings.Default;

    public TensorMemory(ModuleGraph graph, LaneDevice[] devices, int[] segmentDevices, InstanceCounters counters)
    {
        _graph = graph;
        _devices = devices;
        _segmentDevices = segmentDevices;
        _counters = counters;
        _roots = [.. graph.Tensors.Select((_, tensor) => graph.RootOf(tensor))];
        _leaves = new bool[graph.Tensors.Length];
        foreach (int output in graph.Outputs)
        {
            _leaves[_roots[output]] = true;
        }

        _hasAliases = [.. graph.Segments.Select(segment => segment.Outputs.Any(tensor => graph.Tensors[tensor].AliasOf >= 0))];
        _blocks = new DeviceBlock?[graph.Tensors.Length];
        _isGiven = new bool[graph.Tensors.Length];
        _offsets = new ulong[graph.Tensors.Length];
        _measured = [.. graph.Segments.Select((_, segment) => new MeasuredOutputs(this, segment))];
        PreAllocated = new OutputSet(graph.Tensors.Length);
    }

    public OutputSet PreAllocated { get; }

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

    /// <summary>Starts a forward: makes room in the arenas, obtains the outputs whose size is known.</summary>
    /// <param name="order">The stream that covers earlier uses of what is borrowed here: the forward will run behind it.</param>
    public void Begin(ForwardPlan plan, ModeSettings settings, DeviceStream order)
    {
        _plan = plan;
        _returns = plan.IsComplete;
        _settings = settings;
        _reusesSet = false;
        for (int device = 0; device < _devices.Length; device++)
        {
            Array.Clear(_devices[device].Addresses);
            _devices[device].Arena.Ensure(plan.ArenaBytes[device]);
        }

        for (int tensor = 0; tensor < _roots.Length; tensor++)
        {
            if (_leaves[tensor] && _graph.Tensors[tensor].Producer >= 0 && plan.Known[tensor] && !UsesAllocator(tensor))
            {
                int device = DeviceOf(tensor);
                TakeOutput(tensor, device, device == 0 ? order : _devices[device].Stream);
            }
        }
    }

    /// <summary>Places the inputs; those that must be copied come behind everything the forward's streams wait for.</summary>
    public void Accept(ReadOnlySpan<DeviceTensor> inputs)
    {
        for (int index = 0; index < inputs.Length; index++)
        {
            Accept(_graph.Inputs[index], inputs[index]);
        }
    }

    /// <summary>Before a segment is launched: its inputs are brought to its device, and its outputs get their addresses as far as sizes are
    /// known.</summary>
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
            else if (addresses[tensor].IsNull && plan.Known[tensor] && !UsesAllocator(tensor))
            {
                addresses[tensor] = Obtain(tensor, at, plan);
            }
        }
    }

    /// <summary>Memory for outputs of a segment that are allocated while it is enqueued.</summary>
    public IOutputAllocator AllocatorFor(int segment) => _measured[segment];

    /// <summary>Hands the outputs over; everything else borrowed goes back, to be reused behind the lane's streams.</summary>
    public void Commit(Span<DeviceTensor> outputs, DeviceStream order)
    {
        for (int index = 0; index < _graph.Outputs.Length; index++)
        {
            int tensor = _graph.Outputs[index];
            int root = _roots[tensor];
            DeviceBlock block = _blocks[root]!;
            if (!_isGiven[root])
            {
                block.Stream = order;
            }

            _borrowed.Remove(block);
            outputs[index] = new DeviceTensor(_graph.Tensors[tensor].Type, _plan!.Shapes[tensor], block, _offsets[root]);
        }

        if (_reusesSet)
        {
            _counters.CountSetReuse();
        }

        if (_settings.PreAllocatedOutputs)
        {
            PrepareSet(order);
        }

        ReturnBorrowed();
    }

    /// <summary>Gives everything borrowed back.</summary>
    public void Abandon() => ReturnBorrowed();

    /// <summary>Index of the lane's device on which a tensor comes into being.</summary>
    private int DeviceOf(int tensor) => _graph.Tensors[tensor].Producer is int producer and >= 0 ? _segmentDevices[producer] : 0;

    private bool UsesAllocator(int tensor) =>
        _graph.Tensors[tensor].Producer is int producer and >= 0
        && (_settings.OutputAllocator || _graph.Segments[producer].RequiresOutputAllocator);

    /// <summary>
    /// Whether an output may come from the pre-allocated set: not where its segment writes in place (torch_tensorrt allocates those fresh),
    /// and not under a plan that
    /// was incomplete when the forward began, because no later forward has that plan.
    /// </summary>
    private bool MayPreAllocate(int tensor) =>
        _settings.PreAllocatedOutputs && !_hasAliases[_graph.Tensors[tensor].Producer] && !UsesAllocator(tensor) && _returns;

    private void Accept(int tensor, in DeviceTensor input)
    {
        _isGiven[tensor] = true;
        if (input.Ordinal != _devices[0].Context.Ordinal)
        {
            MoveIn(tensor, input);
        }
        else if (input.Pointer.Address % (ulong)_graph.Tensors[tensor].Alignment != 0)
        {
            Align(tensor, input);
        }
        else
        {
            _blocks[tensor] = input.Block;
            _offsets[tensor] = input.Offset;
            _devices[0].Addresses[tensor] = input.Pointer;
        }
    }

    /// <summary>Engines want their inputs aligned; a part of a larger tensor that is not goes through a buffer that is.</summary>
    private void Align(int tensor, in DeviceTensor input)
    {
        GraphTensor wanted = _graph.Tensors[tensor];
        if (wanted.IsAliased)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{wanted.Name}' is written in place and lies at 0x{input.Pointer.Address:x}, which is no multiple of {wanted.Alignment}; a copy would lose the write. Give it memory of its own."
            );
        }

        DeviceStream stream = _devices[0].Stream;
        DeviceBlock block = Borrow(0, input.Bytes, stream);
        if (input.Bytes > 0)
        {
            _devices[0].Context.Driver.MemcpyDtoDAsync(block.Pointer, input.Pointer, input.Bytes, stream.Handle).ThrowIfFailed();
        }

        _blocks[tensor] = block;
        _devices[0].Addresses[tensor] = block.Pointer;
    }

    /// <summary>Multi-device safe mode: an input elsewhere is copied to the instance's device, behind the stream it was made on.</summary>
    private void MoveIn(int tensor, in DeviceTensor input)
    {
        string name = _graph.Tensors[tensor].Name;
        int home = _devices[0].Context.Ordinal;
        if (!_settings.MultiDeviceSafe)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{name}' lies on device {input.Ordinal}, the instance on device {home}. Turn multi-device safe mode on to have inputs moved."
            );
        }

        if (_graph.Tensors[tensor].IsAliased)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{name}' is written in place and lies on device {input.Ordinal}, the instance on device {home}; it cannot be moved."
            );
        }

        DeviceStream stream = _devices[0].Stream;
        DeviceBlock block = Borrow(0, input.Bytes, stream);
        DeviceStream? source = input.Block.Stream is { IsDisposed: false } origin && !ReferenceEquals(origin, stream) ? origin : null;
        if (source is not null)
        {
            using DeviceEvent made = DeviceEvent.Create(source.Context);
            if (source.TryMark(made))
            {
                stream.WaitFor(made);
            }
        }

        if (input.Bytes > 0)
        {
            DeviceContext target = _devices[0].Context;
            target
                .Driver.MemcpyPeerAsync(
                    block.Pointer,
                    target.Handle,
                    input.Pointer,
                    input.Block.Pool.Device.Handle,
                    input.Bytes,
                    stream.Handle
                )
                .ThrowIfFailed();
        }

        if (source is not null)
        {
            // Whoever lends the source again, does so behind the copy.
            _devices[0].Order.Record(stream);
            source.TryWaitFor(_devices[0].Order);
        }

        _blocks[tensor] = block;
        _devices[0].Addresses[tensor] = block.Pointer;
        _counters.CountMovedInput();
    }

    private void Move(int tensor, int to, ForwardPlan plan)
    {
        int from = DeviceOf(tensor);
        if (_graph.Tensors[tensor].IsAliased)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The tensor '{_graph.Tensors[tensor].Name}' is written in place and cannot be moved to another device."
            );
        }

        LaneDevice source = _devices[from],
            target = _devices[to];
        DevicePointer place = Obtain(tensor, to, plan);
        target.WaitFor(source);
        if (plan.Bytes[tensor] > 0)
        {
            target
                .Context.Driver.MemcpyPeerAsync(
                    place,
                    target.Context.Handle,
                    source.Addresses[tensor],
                    source.Context.Handle,
                    plan.Bytes[tensor],
                    target.Stream.Handle
                )
                .ThrowIfFailed();
        }

        target.Addresses[tensor] = place;
    }

    private DevicePointer Obtain(int tensor, int device, ForwardPlan plan)
    {
        ulong offset = plan.Offsets[device][tensor];
        if (offset != ForwardPlan.Nowhere)
        {
            return _devices[device].Arena.Start + offset;
        }

        DeviceBlock block = Borrow(device, plan.Bytes[tensor], _devices[device].Stream);
        if (device == DeviceOf(tensor))
        {
            _blocks[tensor] = block;
        }

        return block.Pointer;
    }

    private void TakeOutput(int tensor, int device, DeviceStream order)
    {
        // A set's block was obtained behind the stream of the forward before, which need not be this one's.
        DeviceBlock? block = MayPreAllocate(tensor) ? PreAllocated.Use(_plan!, tensor) : null;
        if (block is not null && !block.Pool.TryContinue(block, order))
        {
            block = null;
        }

        _reusesSet |= block is not null;
        block ??= Borrow(device, _plan!.Bytes[tensor], order);
        _blocks[tensor] = block;
        _devices[device].Addresses[tensor] = block.Pointer;
    }

    private void PrepareSet(DeviceStream order)
    {
        for (int tensor = 0; tensor < _roots.Length; tensor++)
        {
            if (_leaves[tensor] && !_isGiven[tensor] && MayPreAllocate(tensor))
            {
                int producer = _graph.Tensors[tensor].Producer;
                PreAllocated.Prepare(
                    _plan!,
                    tensor,
                    _blocks[tensor]!,
                    _graph.Segments[producer].UnownedOutputs,
                    _devices[_segmentDevices[producer]].Pool,
                    order
                );
            }
        }
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
        Array.Clear(_offsets);
        _plan = null;
    }

    /// <summary>Memory for one segment's outputs, exactly as large as asked for, while it is enqueued.</summary>
    private sealed class MeasuredOutputs(TensorMemory memory, int segment) : IOutputAllocator
    {
        public DevicePointer Reallocate(int output, ulong bytes, ulong alignment, CuStream stream)
        {
            int tensor = memory._graph.Segments[segment].Outputs[output];
            int device = memory._segmentDevices[segment];
            DeviceBlock block = memory.Borrow(device, bytes, memory._devices[device].Stream);
            memory._blocks[tensor] = block;
            memory._devices[device].Addresses[tensor] = block.Pointer;
            memory._counters.CountAllocatorCall();
            return block.Pointer;
        }

        public void NotifyShape(int output, in TensorShape shape)
        {
            int tensor = memory._graph.Segments[segment].Outputs[output];
            if (!memory._plan!.Known[tensor])
            {
                memory._plan.Settle(memory._graph, tensor, shape);
            }
        }
    }
}

using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>Where the outputs of the forward under way lie: in fresh blocks, in the pre-allocated set, or where the output allocator puts
/// them.</summary>
/// <remarks><b>Owns</b> the pre-allocated set. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class OutputMemory
{
    private readonly InstanceParts _parts;
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly ForwardFrame _frame;
    private readonly Table<SegmentIndex, MeasuredOutputs> _measured;

    public OutputMemory(InstanceParts parts, Table<DeviceIndex, LaneDevice> devices, ForwardFrame frame)
    {
        _parts = parts;
        _devices = devices;
        _frame = frame;
        _measured = new([.. parts.Graph.Segments.Items.Select((_, segment) => new MeasuredOutputs(this, SegmentIndex.Of(segment)))]);
        PreAllocated = new OutputSet(parts.Graph.Tensors.Count);
    }

    public OutputSet PreAllocated { get; }

    private ModuleGraph Graph => _parts.Graph;

    /// <summary>Obtains the outputs whose size is known and that lie nowhere yet.</summary>
    /// <param name="order">The stream that covers earlier uses of what is borrowed here: the forward will run behind it.</param>
    public void Obtain(DeviceStream order)
    {
        foreach (TensorIndex tensor in _parts.Layout.HandedOver)
        {
            DeviceIndex device = _parts.Layout.OriginOf(tensor);
            if (Graph.Tensors[tensor].IsOnHost)
            {
                continue;
            }

            if (_frame.Addresses.On(device)[tensor].IsNull && _frame.Shapes.IsKnown(tensor) && !UsesAllocator(tensor))
            {
                Obtain(tensor, device, device == DeviceIndex.Home ? order : _devices[device].Stream);
            }
        }
    }

    /// <summary>The forward is about to be launched: earlier views of what it overwrites go stale.</summary>
    public void Overwrite()
    {
        if (_frame.ReusesSet)
        {
            foreach (TensorIndex tensor in _parts.Layout.HandedOver)
            {
                if (_frame.Places[tensor].Block is { } block)
                {
                    PreAllocated.Overwrite(tensor, block);
                }
            }
        }
    }

    /// <summary>Memory for outputs of a segment that are allocated while it is enqueued.</summary>
    public IOutputAllocator AllocatorFor(SegmentIndex segment) => _measured[segment];

    /// <summary>Whether a tensor's memory is allocated while its segment is enqueued.</summary>
    public bool UsesAllocator(TensorIndex tensor) =>
        Graph.Tensors[tensor].Producer is { } producer
        && (_frame.Settings.OutputAllocator || Graph.Segments[producer].RequiresOutputAllocator);

    /// <summary>Hands the outputs over in the module's order, and renews the pre-allocated set.</summary>
    /// <param name="outputs">Empty where they go to the host: their memory goes back.</param>
    /// <param name="order">The stream that covers every use of them.</param>
    public void HandOver(Span<DeviceTensor> outputs, DeviceStream order)
    {
        for (int index = 0; index < Graph.Outputs.Length; index++)
        {
            TensorIndex tensor = Graph.Outputs[index];
            TensorPlace place = _frame.Places[_parts.Layout.RootOf(tensor)];
            if (place is { Block: { } made, IsGiven: false })
            {
                made.Stream = order;
            }

            if (!outputs.IsEmpty)
            {
                _frame.HandOver(place.Block!);
                outputs[index] = new DeviceTensor(Graph.Tensors[tensor].Type, _frame.Shapes[tensor], place.Block!, place.Offset);
            }
        }

        if (_frame.ReusesSet)
        {
            _parts.Counters.CountSetReuse();
        }

        if (_frame.Settings.PreAllocatedOutputs)
        {
            PrepareSet(order);
        }

        if (outputs.IsEmpty)
        {
            ReturnAll();
        }
    }

    /// <summary>
    /// Whether an output may come from the pre-allocated set: not where its segment writes in place (torch_tensorrt allocates those fresh),
    /// and not without a plan, because no later forward has the same then.
    /// </summary>
    private bool MayPreAllocate(TensorIndex tensor) =>
        _frame.Settings.PreAllocatedOutputs
        && _frame.Plan is not null
        && !_parts.Layout.WritesInPlace(Graph.Tensors[tensor].Producer!.Value)
        && !UsesAllocator(tensor);

    private void Obtain(TensorIndex tensor, DeviceIndex device, DeviceStream order)
    {
        // A set's block was obtained behind the stream of the forward before, which need not be this one's.
        DeviceBlock? block = MayPreAllocate(tensor) ? PreAllocated.Find(_frame.Plan!, tensor) : null;
        if (block is not null && !block.Pool.TryContinue(block, order))
        {
            block = null;
        }

        _frame.ReusesSet |= block is not null;
        block ??= _frame.Borrow(_devices[device].Pool, _frame.Shapes.BytesOf(tensor), order);
        _frame.Places[tensor] = new TensorPlace(block, Offset: 0, IsGiven: false);
        _frame.Addresses.On(device)[tensor] = block.Pointer;
    }

    /// <summary>What the set keeps stays in it.</summary>
    private void ReturnAll()
    {
        foreach (TensorIndex tensor in _parts.Layout.HandedOver)
        {
            if (_frame.Places[tensor].Block is { } block)
            {
                _frame.HandOver(block);
                block.Return(block.Generation);
            }
        }
    }

    private void PrepareSet(DeviceStream order)
    {
        foreach (TensorIndex tensor in _parts.Layout.HandedOver)
        {
            if (MayPreAllocate(tensor))
            {
                SegmentIndex producer = Graph.Tensors[tensor].Producer!.Value;
                PreAllocated.Prepare(
                    _frame.Plan!,
                    tensor,
                    _frame.Places[tensor].Block!,
                    Graph.Segments[producer].UnownedOutputs,
                    _devices[_parts.Layout.DeviceOf(producer)].Pool,
                    order
                );
            }
        }
    }

    /// <summary>Memory for one segment's outputs, exactly as large as asked for, while it is enqueued.</summary>
    private sealed class MeasuredOutputs(OutputMemory memory, SegmentIndex segment) : IOutputAllocator
    {
        public DevicePointer Reallocate(int output, ulong bytes, ulong alignment, CuStream stream)
        {
            TensorIndex tensor = memory.Graph.Segments[segment].Outputs[output];
            DeviceIndex at = memory._parts.Layout.DeviceOf(segment);
            LaneDevice device = memory._devices[at];
            DeviceBlock block = memory._frame.Borrow(device.Pool, bytes, device.Stream);
            memory._frame.Places[tensor] = new TensorPlace(block, Offset: 0, IsGiven: false);
            memory._frame.Addresses.On(at)[tensor] = block.Pointer;
            memory._parts.Counters.CountAllocatorCall();
            return block.Pointer;
        }

        public void NotifyShape(int output, in TensorShape shape)
        {
            TensorIndex tensor = memory.Graph.Segments[segment].Outputs[output];
            if (!memory._frame.Shapes.IsKnown(tensor))
            {
                memory._frame.Shapes.Fix(tensor, shape);
            }
        }
    }
}

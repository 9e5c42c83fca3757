using Troupe.Messages.Failures;
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
/// <b>Owns</b> the pre-allocated set. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class TensorMemory(InstanceParts parts, Table<DeviceIndex, LaneDevice> devices, ForwardFrame frame)
{
    private readonly InputMemory _inputs = new(parts, devices[DeviceIndex.Home], frame);
    private readonly OutputMemory _outputs = new(parts, devices, frame);

    public OutputSet PreAllocated => _outputs.PreAllocated;

    /// <summary>Makes room in the arenas, and obtains the outputs whose size is known.</summary>
    /// <inheritdoc cref="OutputMemory.Obtain(DeviceStream)" path="/param"/>
    public void Begin(DeviceStream order)
    {
        if (frame.Plan is { } plan)
        {
            foreach (DeviceIndex device in devices.Indices)
            {
                devices[device].Arena.Ensure(plan.Arena.BytesOn(device));
            }
        }

        _outputs.Obtain(order);
    }

    /// <inheritdoc cref="InputMemory.Accept(ReadOnlySpan{DeviceTensor})"/>
    public void Accept(ReadOnlySpan<DeviceTensor> inputs) => _inputs.Accept(inputs);

    /// <inheritdoc cref="OutputMemory.Overwrite"/>
    public void Overwrite() => _outputs.Overwrite();

    /// <summary>Before a segment is launched: its inputs are brought to its device, and its outputs get their addresses as far as sizes are
    /// known.</summary>
    public void Bring(BoundSegment segment)
    {
        DeviceIndex at = parts.Layout.DeviceOf(segment.Index);
        Table<TensorIndex, DevicePointer> addresses = frame.Addresses.On(at);
        foreach (TensorIndex tensor in segment.Wiring.Inputs)
        {
            if (addresses[tensor].IsNull && !parts.Graph.Tensors[tensor].IsOnHost)
            {
                Move(tensor, at);
            }
        }

        frame.Addresses.BindInPlace(segment.Index);
        foreach (TensorIndex tensor in segment.Wiring.Outputs)
        {
            if (
                addresses[tensor].IsNull
                && !parts.Graph.Tensors[tensor].IsOnHost
                && parts.Layout.HasOwnMemory(tensor)
                && frame.Shapes.IsKnown(tensor)
                && !_outputs.UsesAllocator(tensor)
            )
            {
                addresses[tensor] = Obtain(tensor, at);
            }
        }
    }

    /// <inheritdoc cref="OutputMemory.AllocatorFor(SegmentIndex)"/>
    public IOutputAllocator AllocatorFor(SegmentIndex segment) => _outputs.AllocatorFor(segment);

    /// <summary>Hands the outputs over, where the caller takes them on the device; everything else borrowed goes back, to be reused behind
    /// the lane's streams.</summary>
    public void Commit(Span<DeviceTensor> outputs, DeviceStream order)
    {
        _outputs.HandOver(outputs, order);
        frame.End();
    }

    private void Move(TensorIndex tensor, DeviceIndex to)
    {
        if (parts.Graph.Tensors[tensor].IsAliased)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The tensor '{parts.Graph.Tensors[tensor].Name}' is written in place and cannot be moved to another device."
            );
        }

        DeviceIndex from = parts.Layout.OriginOf(tensor);
        LaneDevice source = devices[from],
            target = devices[to];
        DevicePointer place = Obtain(tensor, to);
        target.WaitFor(source);
        target.CopyHere(place, frame.Addresses.On(from)[tensor], source.Context, frame.Shapes.BytesOf(tensor), target.Stream);
        frame.Addresses.On(to)[tensor] = place;
    }

    /// <summary>A tensor's place in a device's arena, or a block where it has none.</summary>
    private DevicePointer Obtain(TensorIndex tensor, DeviceIndex device)
    {
        if (frame.Plan is { } plan && plan.Arena.TryFind(device, tensor, out ulong offset))
        {
            return devices[device].Arena.Start + offset;
        }

        DeviceBlock block = frame.Borrow(devices[device].Pool, frame.Shapes.BytesOf(tensor), devices[device].Stream);
        if (device == parts.Layout.OriginOf(tensor))
        {
            frame.Places[tensor] = new TensorPlace(block, Offset: 0, IsGiven: false);
        }

        return block.Pointer;
    }
}

using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>Where the inputs of the forward under way lie: bound as they are given, or copied where they are unaligned, on another device,
/// or in a block of the pre-allocated set that the forward overwrites.</summary>
/// <remarks><b>Owns</b> nothing: copies lie in blocks of the frame. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class InputMemory(InstanceParts parts, LaneDevice home, ForwardFrame frame)
{
    /// <summary>Places the inputs; those that must be copied come behind everything the forward's streams wait for.</summary>
    public void Accept(ReadOnlySpan<DeviceTensor> inputs)
    {
        for (int index = 0; index < inputs.Length; index++)
        {
            Accept(parts.Graph.Inputs[index], inputs[index]);
        }
    }

    private void Accept(TensorIndex tensor, in DeviceTensor input)
    {
        if (input.Ordinal != home.Context.Ordinal)
        {
            MoveIn(tensor, input);
        }
        else if (input.Pointer.Address % (ulong)parts.Graph.Tensors[tensor].Alignment != 0)
        {
            RefuseAliased(tensor, input, isUnaligned: true);
            CopyHere(tensor, input);
        }
        else if (IsOverwritten(input.Block))
        {
            RefuseAliased(tensor, input, isUnaligned: false);
            CopyHere(tensor, input);
        }
        else
        {
            Bind(tensor, input.Block, input.Offset);
        }
    }

    /// <summary>Whether a former output that comes as an input is where an output of this forward will be.</summary>
    private bool IsOverwritten(DeviceBlock block)
    {
        if (frame.ReusesSet)
        {
            foreach (TensorIndex output in parts.Layout.HandedOver)
            {
                if (frame.Places[output] is { IsGiven: false } place && ReferenceEquals(place.Block, block))
                {
                    return true;
                }
            }
        }

        return false;
    }

    private void RefuseAliased(TensorIndex tensor, in DeviceTensor input, bool isUnaligned)
    {
        GraphTensor wanted = parts.Graph.Tensors[tensor];
        if (wanted.IsAliased)
        {
            string place = isUnaligned
                ? $"lies at 0x{input.Pointer.Address:x}, which is no multiple of {wanted.Alignment}"
                : "lies where this forward's pre-allocated outputs go";
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{wanted.Name}' is written in place and {place}; a copy would lose the write. Give it memory of its own."
            );
        }
    }

    /// <summary>An input that cannot be read where it is goes through a buffer: engines want theirs aligned, and apart from their
    /// outputs.</summary>
    private void CopyHere(TensorIndex tensor, in DeviceTensor input)
    {
        DeviceBlock block = BindCopy(tensor, input.Bytes);
        if (input.Bytes > 0)
        {
            home.Stream.CopyOnDevice(block.Pointer, input.Pointer, input.Bytes);
        }
    }

    /// <summary>Multi-device safe mode: an input elsewhere is copied to the instance's device, behind the stream it was made on.</summary>
    private void MoveIn(TensorIndex tensor, in DeviceTensor input)
    {
        string name = parts.Graph.Tensors[tensor].Name;
        if (!frame.Settings.MultiDeviceSafe)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{name}' lies on device {input.Ordinal}, the instance on device {home.Context.Ordinal}. Turn multi-device safe mode on to have inputs moved."
            );
        }

        if (parts.Graph.Tensors[tensor].IsAliased)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{name}' is written in place and lies on device {input.Ordinal}, the instance on device {home.Context.Ordinal}; it cannot be moved."
            );
        }

        DeviceStream stream = home.Stream;
        DeviceBlock block = BindCopy(tensor, input.Bytes);
        DeviceStream? source = input.Block.Stream is { IsDisposed: false } origin && !ReferenceEquals(origin, stream) ? origin : null;
        if (source is not null)
        {
            using DeviceEvent made = DeviceEvent.Create(source.Context);
            if (source.TryMark(made))
            {
                stream.WaitFor(made);
            }
        }

        home.CopyHere(block.Pointer, input.Pointer, input.Block.Pool.Device, input.Bytes, stream);
        if (source is not null)
        {
            // Whoever lends the source again, does so behind the copy.
            home.Marker.Record(stream);
            source.TryWaitFor(home.Marker);
        }

        parts.Counters.CountMovedInput();
    }

    private DeviceBlock BindCopy(TensorIndex tensor, ulong bytes)
    {
        DeviceBlock block = frame.Borrow(home.Pool, bytes, home.Stream);
        Bind(tensor, block, offset: 0);
        return block;
    }

    private void Bind(TensorIndex tensor, DeviceBlock block, ulong offset)
    {
        frame.Places[tensor] = new TensorPlace(block, offset, IsGiven: true);
        frame.Addresses.On(DeviceIndex.Home)[tensor] = block.Pointer + offset;
    }
}

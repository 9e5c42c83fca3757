using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>The inputs of a lane's forward on their way from host memory to where the device reads them.</summary>
/// <remarks><b>Owns</b> page-locked staging, and a device block for each input that a forward read from one. <b>Thread</b> the lane's
/// holder. <b>Blocks</b> never.</remarks>
internal sealed class HostInputs(InstanceParts parts, LaneDevice home) : IHostValues, IDisposable
{
    private readonly HostStaging _staged = new(home.Context);
    private readonly Tensor?[] _given = new Tensor?[parts.Graph.Inputs.Length];
    private readonly TensorShape[] _shapes = new TensorShape[parts.Graph.Inputs.Length];
    private readonly ulong[] _sizes = new ulong[parts.Graph.Inputs.Length];
    private readonly DeviceBlock?[] _blocks = new DeviceBlock?[parts.Graph.Inputs.Length];
    private bool _isStaged;

    /// <summary>In the module's order, after <see cref="Match"/>.</summary>
    public ReadOnlySpan<TensorShape> Shapes => _shapes;

    /// <summary>Brings the inputs into the module's order and checks each.</summary>
    /// <exception cref="ForwardException">One does not fit.</exception>
    public void Match(ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length > _given.Length)
        {
            parts.Check.Arity(inputs.Length);
        }

        Forget();
        _isStaged = false;
        foreach (Tensor input in inputs)
        {
            int index = parts.Check.IndexOf(input.Name);
            if (_given[index] is not null)
            {
                throw new ForwardException(FailureKind.InvalidInput, $"The input '{input.Name}' is given twice.");
            }

            parts.Check.Type(index, input.Type);
            parts.Check.Shape(index, input.Shape);
            InputCheck.Size(input);
            _given[index] = input;
        }

        parts.Check.Complete(_given, inputs.Length);
        for (int index = 0; index < _given.Length; index++)
        {
            _shapes[index] = _given[index]!.Shape;
            _sizes[index] = IsOnHost(index) ? 0 : (ulong)_given[index]!.Payload.Length;
        }
    }

    /// <summary>Gives strings where the caller has them: nothing of them is copied.</summary>
    public void Give(Table<TensorIndex, ReadOnlyMemory<byte>> strings)
    {
        for (int index = 0; index < _given.Length; index++)
        {
            if (IsOnHost(index))
            {
                strings[parts.Graph.Inputs[index]] = _given[index]!.Data;
            }
        }
    }

    /// <summary>Gives inputs that have no address yet a block of the lane's.</summary>
    /// <param name="addresses">On the lane's home device.</param>
    /// <param name="aliased">Only those that are written in place: a recording of them is found by their addresses.</param>
    public void Place(Table<TensorIndex, DevicePointer> addresses, bool aliased)
    {
        for (int index = 0; index < _sizes.Length; index++)
        {
            TensorIndex tensor = parts.Graph.Inputs[index];
            if (addresses[tensor].IsNull && !IsOnHost(index) && (!aliased || parts.Graph.Tensors[tensor].IsAliased))
            {
                addresses[tensor] = BlockFor(index).Pointer;
            }
        }
    }

    /// <summary>Copies the inputs to where they are read, by way of the staging, in parts where the device takes one while the host
    /// fills the next; once more from the staging alone: an input that was written in place is as it was.</summary>
    /// <param name="addresses">On the lane's home device.</param>
    public void CopyIn(DeviceStream stream, Table<TensorIndex, DevicePointer> addresses)
    {
        if (!_isStaged)
        {
            _staged.Ensure(OffsetOf(_sizes.Length));
        }

        ulong offset = 0;
        for (int index = 0; index < _sizes.Length; index++)
        {
            DevicePointer target = addresses[parts.Graph.Inputs[index]];
            ulong size = _sizes[index];
            ulong part = _isStaged || !home.Context.HasCopyEngines ? size : HostStaging.Chunk;
            for (ulong done = 0; done < size; done += part)
            {
                ulong bytes = Math.Min(part, size - done);
                if (!_isStaged)
                {
                    _given[index]!.Data.Span.Slice((int)done, (int)bytes).CopyTo(_staged.At(offset + done, (int)bytes));
                }

                stream.CopyToDevice(target + done, _staged.AddressAt(offset + done), bytes);
            }

            offset += HostStaging.Padded(size);
        }

        _isStaged = true;
    }

    /// <summary>As given, or as staged when that is forgotten.</summary>
    public ReadOnlySpan<byte> Of(int input) =>
        _given[input] is { } given ? given.Data.Span : _staged.At(OffsetOf(input), (int)_sizes[input]);

    /// <summary>Lets the host tensors go.</summary>
    public void Forget() => Array.Clear(_given);

    /// <summary>Whether its staging is much larger than forwards need.</summary>
    public bool IsOversized => _staged.IsOversized;

    /// <summary>Gives staging back that forwards do not need; the last one is over.</summary>
    public void Trim() => _staged.Trim();

    /// <summary>Gives the blocks on the device back; the next forward takes others.</summary>
    public void GiveBackMemory()
    {
        for (int input = 0; input < _blocks.Length; input++)
        {
            _blocks[input]?.Return(_blocks[input]!.Generation);
            _blocks[input] = null;
        }
    }

    public void Dispose()
    {
        GiveBackMemory();
        _staged.Dispose();
    }

    private bool IsOnHost(int input) => parts.Graph.Tensors[parts.Graph.Inputs[input]].IsOnHost;

    /// <summary>Where an input lies in the staging; behind the last one: how much all of them take.</summary>
    private ulong OffsetOf(int input)
    {
        ulong offset = 0;
        foreach (ulong size in _sizes.AsSpan(0, input))
        {
            offset += HostStaging.Padded(size);
        }

        return offset;
    }

    /// <summary>The lane keeps one block per input while it is large enough, so that sequential calls see stable addresses.</summary>
    private DeviceBlock BlockFor(int input)
    {
        if (_blocks[input] is { } kept)
        {
            if (_sizes[input] <= kept.Bytes)
            {
                return kept;
            }

            kept.Return(kept.Generation);
            _blocks[input] = null;
        }

        return _blocks[input] = home.Pool.Rent(_sizes[input], home.Own);
    }
}

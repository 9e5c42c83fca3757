using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>The inputs of a lane's forward on their way from host memory to the device.</summary>
/// <remarks><b>Owns</b> page-locked staging and a device block per input. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class HostInputs(InstanceParts parts, LaneDevice home) : IHostValues, IDisposable
{
    private readonly HostStaging _staged = new(home.Context);
    private readonly Tensor?[] _given = new Tensor?[parts.Graph.Inputs.Length];
    private readonly DeviceBlock?[] _blocks = new DeviceBlock?[parts.Graph.Inputs.Length];
    private readonly DeviceTensor[] _tensors = new DeviceTensor[parts.Graph.Inputs.Length];

    /// <summary>In the module's order, after <see cref="CopyIn"/>.</summary>
    public ReadOnlySpan<DeviceTensor> Tensors => _tensors;

    /// <summary>Brings the inputs into the module's order and checks each.</summary>
    /// <exception cref="ForwardException">One does not fit.</exception>
    public void Match(ReadOnlySpan<Tensor> inputs)
    {
        if (inputs.Length > _given.Length)
        {
            parts.Check.Arity(inputs.Length);
        }

        Forget();
        foreach (Tensor input in inputs)
        {
            int index = parts.Check.IndexOf(input.Name);
            if (_given[index] is not null)
            {
                throw new ForwardException(FailureKind.InvalidInput, $"The input '{input.Name}' is given twice.");
            }

            parts.Check.Type(index, input.Type);
            parts.Check.Shape(index, input.Shape);
            bool isCountable = input.Type.TryGetByteCount(input.Shape, out long expected);
            if (!isCountable || input.Payload.Length != expected)
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The input '{input.Name}' holds {input.Payload.Length} bytes; its type {input.Type.ProtocolName()} and shape {input.Shape} imply {(isCountable ? expected : "more than can be addressed")}."
                );
            }

            _given[index] = input;
        }

        parts.Check.Complete(_given, inputs.Length);
    }

    public void CopyIn(DeviceStream stream)
    {
        ulong total = 0;
        foreach (Tensor? input in _given)
        {
            total += HostStaging.Padded((ulong)input!.Payload.Length);
        }

        _staged.Ensure(total);
        ulong offset = 0;
        for (int index = 0; index < _given.Length; index++)
        {
            Tensor input = _given[index]!;
            ulong bytes = (ulong)input.Payload.Length;
            DeviceBlock block = BlockFor(index, bytes, stream);
            if (bytes > 0)
            {
                input.Data.Span.CopyTo(_staged.At(offset, (int)bytes));
            }

            _tensors[index] = new DeviceTensor(input.Type, input.Shape, block);
            offset += HostStaging.Padded(bytes);
        }

        CopyStaged(stream);
    }

    /// <summary>Copies what is staged to the device, first or once more: an input that was written in place is as it was.</summary>
    public void CopyStaged(DeviceStream stream)
    {
        ulong offset = 0;
        foreach (ref readonly DeviceTensor input in _tensors.AsSpan())
        {
            if (input.Bytes > 0)
            {
                stream.CopyToDevice(input.Pointer, _staged.AddressAt(offset), input.Bytes);
            }

            offset += HostStaging.Padded(input.Bytes);
        }
    }

    /// <summary>As staged, until the next forward.</summary>
    public ReadOnlySpan<byte> Of(int input)
    {
        ulong offset = 0;
        foreach (ref readonly DeviceTensor before in _tensors.AsSpan(0, input))
        {
            offset += HostStaging.Padded(before.Bytes);
        }

        return _staged.At(offset, (int)_tensors[input].Bytes);
    }

    /// <summary>Whether an output written in place of an input lies in this block, which stays.</summary>
    public bool Owns(DeviceBlock block) => _blocks.Contains(block);

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

    /// <summary>The lane keeps one block per input while it is large enough, so that sequential calls see stable addresses.</summary>
    private DeviceBlock BlockFor(int input, ulong bytes, DeviceStream stream)
    {
        if (_blocks[input] is { } kept)
        {
            if (bytes <= kept.Bytes)
            {
                return kept;
            }

            kept.Return(kept.Generation);
            _blocks[input] = null;
        }

        return _blocks[input] = home.Pool.Rent(bytes, stream);
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>The outputs of a lane's forward on their way from where the device wrote them to host memory: those that are wanted, and
/// nothing for the others.</summary>
/// <remarks><b>Owns</b> page-locked staging. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class HostOutputs(InstanceParts parts, DeviceContext home) : IDisposable
{
    private readonly HostStaging _results = new(home);
    private readonly bool[] _wanted = new bool[parts.Graph.Outputs.Length];
    private readonly TensorShape[] _shapes = new TensorShape[parts.Graph.Outputs.Length];
    private readonly ulong[] _sizes = new ulong[parts.Graph.Outputs.Length];

    /// <summary>Of outputs of type BYTES, which come back as their segments made them.</summary>
    private readonly ReadOnlyMemory<byte>[] _strings = new ReadOnlyMemory<byte>[parts.Graph.Outputs.Length];

    /// <summary>Only these are copied; none named means all.</summary>
    public void Select(ReadOnlySpan<string> outputs)
    {
        Array.Fill(_wanted, outputs.IsEmpty);
        foreach (string name in outputs)
        {
            _wanted[parts.Check.OutputIndexOf(name)] = true;
        }
    }

    /// <summary>Before the launch: refuses what is more than comes back to the host, as far as shapes are known.</summary>
    /// <exception cref="ForwardException">An output that is wanted is larger than an array can be, or all that are wanted exceed the
    /// limit.</exception>
    public void Admit(ForwardShapes shapes)
    {
        for (int output = 0; output < _sizes.Length; output++)
        {
            TensorIndex tensor = parts.Graph.Outputs[output];
            _sizes[output] = shapes.IsKnown(tensor) ? shapes.BytesOf(tensor) : 0;
        }

        if (Excess() is { } excess)
        {
            throw new ForwardException(FailureKind.InvalidInput, $"{excess} Nothing was run.");
        }
    }

    /// <summary>Says how many bytes the strings of each tensor may take: those that a segment reads as many as there can be, those that
    /// come back no more than the limit, and all others none.</summary>
    public void Limit(Table<TensorIndex, long> mostStringBytes)
    {
        if (!parts.Layout.HasStrings)
        {
            return;
        }

        Array.Fill(mostStringBytes.Items, -1);
        foreach (GraphSegment segment in parts.Graph.Segments.Items)
        {
            foreach (TensorIndex tensor in segment.Inputs)
            {
                mostStringBytes[tensor] = Array.MaxLength;
            }
        }

        for (int output = 0; output < _wanted.Length; output++)
        {
            if (_wanted[output])
            {
                mostStringBytes[parts.Graph.Outputs[output]] = parts.MaxOutputBytes;
            }
        }
    }

    /// <summary>Takes note of how large the outputs are, and of those that are on the host already.</summary>
    /// <param name="frame">Its shapes are complete by now.</param>
    /// <exception cref="ForwardException">What is wanted came out larger than what comes back to the host.</exception>
    public void Measure(ForwardFrame frame)
    {
        for (int output = 0; output < _sizes.Length; output++)
        {
            TensorIndex tensor = parts.Graph.Outputs[output];
            _shapes[output] = frame.Shapes[tensor];
            _strings[output] = frame.Strings[tensor];
            _sizes[output] = IsOnHost(output) ? (ulong)_strings[output].Length : frame.Shapes.BytesOf(tensor);
        }

        if (Excess() is { } excess)
        {
            throw new ForwardException(FailureKind.BackendFailed, excess);
        }
    }

    /// <summary>Whether it pays to copy them beside the lane's next forward, and they lie in memory that this forward alone has.</summary>
    public bool MayTravel(ForwardFrame frame)
    {
        ulong total = 0;
        for (int output = 0; output < _sizes.Length; output++)
        {
            if (_wanted[output])
            {
                TensorPlace place = frame.Places[parts.Layout.RootOf(parts.Graph.Outputs[output])];
                if (place.Block is null || place.IsGiven || frame.Settings.PreAllocatedOutputs)
                {
                    return false;
                }

                total += _sizes[output];
            }
        }

        return total > HostStaging.Chunk;
    }

    /// <summary>Takes the memory of what is wanted from the forward, so that it does not end with it.</summary>
    public void TakeMemory(ForwardFrame frame, List<DeviceBlock> taken)
    {
        for (int output = 0; output < _sizes.Length; output++)
        {
            ref TensorPlace place = ref frame.Places[parts.Layout.RootOf(parts.Graph.Outputs[output])];
            if (_wanted[output] && place.Block is { } block)
            {
                frame.HandOver(block);
                taken.Add(block);
                place = default;
            }
        }
    }

    /// <summary>Makes room for what is wanted, as it was measured.</summary>
    /// <exception cref="ForwardException">The host has no staging.</exception>
    public void MakeRoom()
    {
        ulong total = 0;
        for (int output = 0; output < _sizes.Length; output++)
        {
            total += IsCopied(output) ? HostStaging.Padded(_sizes[output]) : 0;
        }

        _results.Ensure(total);
    }

    /// <summary>Copies what is wanted to where there is room for it.</summary>
    /// <param name="addresses">Where the outputs lie.</param>
    public void CopyOut(DeviceStream stream, TensorAddresses addresses)
    {
        ulong offset = 0;
        for (int output = 0; output < _sizes.Length; output++)
        {
            if (IsCopied(output))
            {
                if (_sizes[output] > 0)
                {
                    TensorIndex root = parts.Layout.RootOf(parts.Graph.Outputs[output]);
                    DevicePointer place = addresses.On(parts.Layout.OriginOf(root))[root];
                    stream.CopyToHost(_results.AddressAt(offset), place, _sizes[output]);
                }

                offset += HostStaging.Padded(_sizes[output]);
            }
        }
    }

    /// <summary>What was wanted; the copies are done.</summary>
    /// <param name="leasesFrom">Each is on lease from there; null: each owns its bytes.</param>
    /// <exception cref="ForwardException">The host has no memory for them.</exception>
    public Tensor[] ToTensors(HostMemory? leasesFrom)
    {
        var tensors = new Tensor[_wanted.Count(true)];
        int made = 0;
        try
        {
            ulong offset = 0;
            for (int output = 0; output < _wanted.Length; output++)
            {
                if (_wanted[output])
                {
                    GraphTensor tensor = parts.Graph.Tensors[parts.Graph.Outputs[output]];
                    TensorPayload payload = tensor.IsOnHost
                        ? HandOver(_strings[output], _shapes[output], leasesFrom)
                        : Copy(_results.At(offset, (int)_sizes[output]), _shapes[output], leasesFrom);
                    tensors[made++] = new Tensor(tensor.Name, tensor.Type, _shapes[output], payload);
                    offset += tensor.IsOnHost ? 0 : HostStaging.Padded(_sizes[output]);
                }
            }

            return tensors;
        }
        catch (Exception full) when (full is OutOfMemoryException or HostMemoryException)
        {
            tensors[..made].Release();
            throw new ForwardException(FailureKind.BackendFailed, "The host has no memory left for the outputs of the forward.", full);
        }
        finally
        {
            Forget();
        }
    }

    /// <summary>Lets strings go that nobody took.</summary>
    public void Forget() => Array.Clear(_strings);

    /// <summary>Whether its staging is much larger than forwards need.</summary>
    public bool IsOversized => _results.IsOversized;

    /// <summary>Gives staging back that forwards do not need; the last one is over.</summary>
    public void Trim() => _results.Trim();

    public void Dispose() => _results.Dispose();

    private bool IsOnHost(int output) => parts.Graph.Tensors[parts.Graph.Outputs[output]].IsOnHost;

    /// <summary>It comes off a device.</summary>
    private bool IsCopied(int output) => _wanted[output] && !IsOnHost(output);

    /// <summary>Strings that the forward alone has are the tensor's own; on lease they count as every output does.</summary>
    private static TensorPayload HandOver(ReadOnlyMemory<byte> strings, in TensorShape shape, HostMemory? leasesFrom) =>
        leasesFrom is null ? new TensorPayload.Inline(strings, shape.ElementCount) : Copy(strings.Span, shape, leasesFrom);

    private static TensorPayload Copy(ReadOnlySpan<byte> bytes, in TensorShape shape, HostMemory? leasesFrom)
    {
        if (leasesFrom is null)
        {
            return new TensorPayload.Inline(bytes.ToArray(), shape.ElementCount);
        }

        TensorLease lease = leasesFrom.Lease(bytes.Length);
        bytes.CopyTo(lease.GetSpan());
        return new TensorPayload.Leased(lease, shape.ElementCount);
    }

    /// <summary>Why the wanted outputs, by the sizes known now, do not come back to the host; null where they do.</summary>
    private string? Excess()
    {
        ulong total = 0;
        for (int output = 0; output < _sizes.Length; output++)
        {
            if (!_wanted[output])
            {
                continue;
            }

            if (_sizes[output] > (ulong)Array.MaxLength)
            {
                string name = parts.Graph.Tensors[parts.Graph.Outputs[output]].Name;
                return $"The output '{name}' takes {_sizes[output]} bytes; one that comes back to the host has at most {Array.MaxLength}.";
            }

            total += _sizes[output];
        }

        return total > (ulong)parts.MaxOutputBytes ? OutputLimit.Exceeded((long)total, parts.MaxOutputBytes) : null;
    }
}

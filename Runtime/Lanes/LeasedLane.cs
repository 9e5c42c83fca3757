using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>A lane as an executor sees it: host tensors in, host tensors out, and a status to poll between them.</summary>
/// <remarks>
/// Inputs are copied into page-locked staging at once, outputs leave the device before the lane is free again.
/// <b>Owns</b> staging, device buffers of the inputs and events. <b>Thread</b> its holder's. <b>Blocks</b> never.
/// </remarks>
internal sealed class LeasedLane : ILane
{
    private readonly ModuleGraph _graph;
    private readonly InputCheck _check;
    private readonly DeviceHealth _health;
    private readonly Action<LeasedLane> _giveBack;
    private readonly HostStaging _staged;
    private readonly HostStaging _results;
    private readonly DeviceBlock?[] _blocks;
    private readonly Tensor?[] _given;
    private readonly DeviceTensor[] _inputs;
    private readonly DeviceTensor[] _outputs;
    private readonly bool[] _wanted;
    private readonly TensorShape[] _shapes;
    private readonly ulong[] _sizes;
    private readonly DeviceEvent _begun;
    private readonly DeviceEvent _copiedIn;
    private readonly DeviceEvent _computed;
    private readonly WakeCall _wake = new();
    private ForwardException? _failure;
    private LaneStatus _status;

    public LeasedLane(Lane lane, ModuleGraph graph, InputCheck check, DeviceHealth health, Action<LeasedLane> giveBack)
    {
        Lane = lane;
        _graph = graph;
        _check = check;
        _health = health;
        _giveBack = giveBack;
        DeviceContext home = lane.Home.Context;
        _staged = new HostStaging(home);
        _results = new HostStaging(home);
        _blocks = new DeviceBlock?[graph.Inputs.Length];
        _given = new Tensor?[graph.Inputs.Length];
        _inputs = new DeviceTensor[graph.Inputs.Length];
        _outputs = new DeviceTensor[graph.Outputs.Length];
        _wanted = new bool[graph.Outputs.Length];
        _shapes = new TensorShape[graph.Outputs.Length];
        _sizes = new ulong[graph.Outputs.Length];
        _begun = DeviceEvent.Create(home, CuEventFlags.Default);
        _copiedIn = DeviceEvent.Create(home, CuEventFlags.Default);
        _computed = DeviceEvent.Create(home, CuEventFlags.Default);
    }

    public Lane Lane { get; }

    /// <summary>What modes hold since it was last asked; frees the rest when the lane is next idle. Null when there is nothing to
    /// free.</summary>
    public HeldModes? ReleaseWhenIdle { get; set; }

    public int MaxForwards => 1;

    public void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake)
    {
        if (forwards.Length != MaxForwards)
        {
            throw new ArgumentException(
                $"A submission to this lane holds {MaxForwards} forward; {forwards.Length} were given.",
                nameof(forwards)
            );
        }

        Submit(forwards[0].Inputs, forwards[0].Outputs, settings, wake);
    }

    /// <summary>Starts a single forward whose inputs and names need no array of their own.</summary>
    public void Submit(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<string> outputs, ModeSettings settings, Action wake)
    {
        Match(inputs);
        Select(outputs);
        _failure = null;
        _status = LaneStatus.Pending;
        Lane.Failure.Take();
        using ContextEntry entry = Lane.Home.Context.Enter();
        try
        {
            DeviceStream stream = Lane.Home.Own;
            _begun.Record(stream);
            CopyIn(stream);
            _copiedIn.Record(stream);
            Lane.Forward(_inputs, _outputs, settings, CallerStream.None);
            _computed.Record(stream);
            CopyOut(stream);
            Lane.Done.Record(stream);
            _wake.Arm(wake);
            stream.Call(_wake);
        }
        catch (CudaException trouble)
        {
            ReturnOutputs();
            throw _health.Explain(trouble);
        }
        catch
        {
            ReturnOutputs();
            throw;
        }
        finally
        {
            Array.Clear(_given);
        }
    }

    public LaneStatus Poll(int forward)
    {
        RequireSubmitted(forward);
        if (_status != LaneStatus.Pending)
        {
            return _status;
        }

        CuResult reached = Lane.Done.Query();
        if (reached == CuResult.NotReady)
        {
            return LaneStatus.Pending;
        }

        _failure =
            reached == CuResult.Success ? Lane.Failure.Take() : _health.Explain(new CudaException(reached, "completion of a forward"));
        Lane.Completed(succeeded: _failure is null);
        return _status = _failure is null ? LaneStatus.Succeeded : LaneStatus.Failed;
    }

    public Tensor[] TakeOutputs(int forward)
    {
        RequireSubmitted(forward);
        if (_status != LaneStatus.Succeeded)
        {
            throw new InvalidOperationException("There are no outputs: the submission has not succeeded.");
        }

        var taken = new Tensor[_wanted.Count(true)];
        ulong offset = 0;
        for (int output = 0, next = 0; output < _wanted.Length; output++)
        {
            if (_wanted[output])
            {
                GraphTensor tensor = _graph.Tensors[_graph.Outputs[output]];
                taken[next++] = new Tensor(tensor.Name, tensor.Type, _shapes[output], _results.At(offset, _sizes[output]).ToArray());
                offset += Padded(_sizes[output]);
            }
        }

        return taken;
    }

    public ForwardException FailureOf(int forward)
    {
        RequireSubmitted(forward);
        return _failure ?? throw new InvalidOperationException("The forward has not failed.");
    }

    public (long Input, long Infer, long Output) TimesOf(int forward)
    {
        RequireSubmitted(forward);
        return _status == LaneStatus.Succeeded
            ? (Nanoseconds(_begun, _copiedIn), Nanoseconds(_copiedIn, _computed), Nanoseconds(_computed, Lane.Done))
            : default;
    }

    /// <summary>Gives the lane back; work still in flight ends before it is lent again.</summary>
    public void Dispose() => _giveBack(this);

    /// <summary>Frees everything; nothing is in flight.</summary>
    public void Destroy()
    {
        for (int input = 0; input < _blocks.Length; input++)
        {
            _blocks[input]?.Return(_blocks[input]!.Generation);
            _blocks[input] = null;
        }

        _staged.Dispose();
        _results.Dispose();
        _begun.Dispose();
        _copiedIn.Dispose();
        _computed.Dispose();
        Lane.Dispose();
        _wake.Dispose();
    }

    private static void RequireSubmitted(int forward) => ArgumentOutOfRangeException.ThrowIfNotEqual(forward, 0);

    /// <summary>Brings the inputs into the module's order and checks each.</summary>
    private void Match(ReadOnlySpan<Tensor> inputs)
    {
        _check.Arity(inputs.Length);
        Array.Clear(_given);
        foreach (Tensor input in inputs)
        {
            int index = _check.IndexOf(input.Name);
            if (_given[index] is not null)
            {
                throw new ForwardException(FailureKind.InvalidInput, $"The input '{input.Name}' is given twice.");
            }

            _check.Type(index, input.Type);
            _check.Shape(index, input.Shape);
            long expected = input.Type.ByteCount(input.Shape.ElementCount);
            if (input.Data.Length != expected)
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The input '{input.Name}' holds {input.Data.Length} bytes; its type {input.Type.ProtocolName()} and shape {input.Shape} imply {expected}."
                );
            }

            _given[index] = input;
        }
    }

    private void Select(ReadOnlySpan<string> outputs)
    {
        Array.Fill(_wanted, outputs.IsEmpty);
        foreach (string name in outputs)
        {
            _wanted[_check.OutputIndexOf(name)] = true;
        }
    }

    private void CopyIn(DeviceStream stream)
    {
        ulong total = 0;
        foreach (Tensor? input in _given)
        {
            total += Padded((ulong)input!.Data.Length);
        }

        _staged.Ensure(total);
        ulong offset = 0;
        for (int index = 0; index < _given.Length; index++)
        {
            Tensor input = _given[index]!;
            ulong bytes = (ulong)input.Data.Length;
            DeviceBlock block = BlockFor(index, bytes, stream);
            if (bytes > 0)
            {
                input.Data.Span.CopyTo(_staged.At(offset, bytes));
                stream.CopyToDevice(block.Pointer, _staged.AddressAt(offset), bytes);
            }

            _inputs[index] = new DeviceTensor(input.Type, input.Shape, block);
            offset += Padded(bytes);
        }
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

        return _blocks[input] = Lane.Home.Pool.Rent(bytes, stream);
    }

    private void CopyOut(DeviceStream stream)
    {
        ulong total = 0;
        for (int output = 0; output < _outputs.Length; output++)
        {
            _shapes[output] = _outputs[output].Shape;
            _sizes[output] = _outputs[output].Bytes;
            total += _wanted[output] ? Padded(_sizes[output]) : 0;
        }

        _results.Ensure(total);
        ulong offset = 0;
        for (int output = 0; output < _outputs.Length; output++)
        {
            if (_wanted[output])
            {
                if (_sizes[output] > 0)
                {
                    stream.CopyToHost(_results.AddressAt(offset), _outputs[output].Pointer, _sizes[output]);
                }

                offset += Padded(_sizes[output]);
            }
        }

        ReturnOutputs();
    }

    private void ReturnOutputs()
    {
        for (int output = 0; output < _outputs.Length; output++)
        {
            if (_outputs[output].Block is not null)
            {
                ReturnUnlessInput(_outputs[output]);
                _outputs[output] = default;
            }
        }
    }

    /// <summary>An output written in place of an input lies in the lane's own block, which stays.</summary>
    private void ReturnUnlessInput(in DeviceTensor output)
    {
        if (!_blocks.Contains(output.Block))
        {
            output.Return();
        }
    }

    private static ulong Padded(ulong bytes) => (bytes + 63) / 64 * 64;

    private static long Nanoseconds(DeviceEvent start, DeviceEvent end) => (long)end.Since(start).TotalNanoseconds;
}

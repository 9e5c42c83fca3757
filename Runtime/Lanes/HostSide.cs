using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>The host's side of a forward on tensors in host memory: its inputs and outputs on their way, when each part of it was done, and
/// whom to tell.</summary>
/// <remarks><b>Owns</b> staging and events. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class HostSide : IDisposable
{
    private readonly DeviceEvent _begun;
    private readonly DeviceEvent _copiedIn;
    private readonly DeviceEvent _computed;
    private readonly WakeCall _wake = new();

    public HostSide(InstanceParts parts, LaneDevice home)
    {
        Inputs = new HostInputs(parts, home);
        Outputs = new HostOutputs(parts, home.Context);
        DeviceEvent[] timed = DeviceEvent.Create(home.Context, CuEventFlags.Default, CuEventFlags.Default, CuEventFlags.Default);
        (_begun, _copiedIn, _computed) = (timed[0], timed[1], timed[2]);
    }

    public HostInputs Inputs { get; }

    public HostOutputs Outputs { get; }

    /// <summary>Whether its staging is much larger than forwards need.</summary>
    public bool IsOversized => Inputs.IsOversized || Outputs.IsOversized;

    /// <summary>Takes a forward; nothing is enqueued yet.</summary>
    /// <exception cref="Failures.ForwardException">Inputs or names do not fit.</exception>
    public void Begin(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<string> outputs, Action wake)
    {
        try
        {
            Inputs.Match(inputs);
            Outputs.Select(outputs);
            _wake.Arm(wake);
        }
        catch
        {
            Inputs.Forget();
            throw;
        }
    }

    /// <inheritdoc cref="HostInputs.CopyIn"/>
    public void CopyIn(DeviceStream stream, Table<TensorIndex, DevicePointer> addresses)
    {
        _begun.Record(stream);
        Inputs.CopyIn(stream, addresses);
        _copiedIn.Record(stream);
    }

    /// <inheritdoc cref="HostOutputs.CopyOut"/>
    public void CopyOut(DeviceStream stream, ForwardShapes shapes, TensorAddresses addresses)
    {
        _computed.Record(stream);
        Outputs.CopyOut(stream, shapes, addresses);
    }

    /// <summary>Tells whoever waits, behind everything enqueued so far.</summary>
    public void TellBehind(DeviceStream stream) => stream.Call(_wake);

    /// <summary>Nanoseconds spent copying in, computing and copying out.</summary>
    public (long Input, long Infer, long Output) Times(DeviceEvent done) =>
        (Nanoseconds(_begun, _copiedIn), Nanoseconds(_copiedIn, _computed), Nanoseconds(_computed, done));

    /// <summary>Gives staging back that forwards do not need; the last one is over.</summary>
    public void Trim()
    {
        Inputs.Trim();
        Outputs.Trim();
    }

    public void Dispose()
    {
        Inputs.Dispose();
        Outputs.Dispose();
        _begun.Dispose();
        _copiedIn.Dispose();
        _computed.Dispose();
        _wake.Dispose();
    }

    private static long Nanoseconds(DeviceEvent start, DeviceEvent end) => (long)end.Since(start).TotalNanoseconds;
}

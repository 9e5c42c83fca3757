using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>One recorded graph with everything it touches: execution contexts of its own, staging, and the executable.</summary>
/// <remarks>
/// Contexts and staging are never used for anything else while the graph lives, so that a replay means what was recorded.
/// Aliased tensors are bound where the caller has them; their addresses are part of the key.
/// <b>Owns</b> contexts, staging and executable. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class GraphEntry : IDisposable
{
    private readonly ModuleLayout _module;
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly BoundSegment[] _segments;
    private readonly GraphStaging _staging;
    private GraphExecutable? _executable;

    /// <param name="segments">Segments of the unit with contexts of their own; the entry disposes them.</param>
    public GraphEntry(ModuleLayout module, GraphKey key, Table<DeviceIndex, LaneDevice> devices, BoundSegment[] segments)
    {
        _module = module;
        _devices = devices;
        _segments = segments;
        _staging = new GraphStaging(module, key, devices);
        Key = key;
    }

    public GraphKey Key { get; }

    /// <summary>Recorded and ready.</summary>
    public bool IsCaptured => _executable is not null;

    /// <summary>Captures of this key that failed; after two it stays plain.</summary>
    public int Failures { get; private set; }

    /// <summary>A forward that used it has completed without failure.</summary>
    public bool IsProven { get; set; }

    /// <summary>Staging and contexts are there and have run; what is missing is the recording.</summary>
    public bool IsWarm { get; private set; }

    /// <summary>Makes staging and contexts and runs the warm-ups on zeros, before there is any call: for units whose inputs have fixed
    /// shapes and are not written in place.</summary>
    /// <returns>Warm-ups run; 0 when an engine cannot be captured now.</returns>
    /// <inheritdoc cref="Record" path="/exception"/>
    public int WarmUp()
    {
        if (!CanCapture())
        {
            return 0;
        }

        _staging.Make();
        _staging.FillWithZeros();
        for (int round = 0; round < Key.Unit.WarmUps; round++)
        {
            Launch();
        }

        IsWarm = true;
        return Key.Unit.WarmUps;
    }

    /// <summary>Records; before that makes staging and contexts and runs the warm-ups, unless it is warm. Runs on the lane's own
    /// streams.</summary>
    /// <param name="warmUps">Warm-ups run.</param>
    /// <exception cref="ForwardException">Out of memory or refused; nothing is left.</exception>
    /// <exception cref="CudaException">The capture failed; nothing is left.</exception>
    /// <returns>False when nothing was recorded, because an engine cannot be captured now.</returns>
    public bool Record(DeviceStream given, Table<TensorIndex, DevicePointer> addresses, out int warmUps)
    {
        warmUps = 0;
        DeviceStream stream = _devices[Key.Unit.Device].Own;
        if (!CanCapture())
        {
            return false;
        }

        if (!IsWarm)
        {
            WarmUp(given, addresses);
            warmUps = Key.Unit.WarmUps;
        }

        _staging.BindAliased();
        using RecordedGraph recorded = Capture(stream);
        _executable = recorded.Instantiate();
        PutBehind(given, stream, _devices[Key.Unit.Device].Marker);
        return true;
    }

    /// <summary>With the call's own data, in scratch copies where the call's memory would be written.</summary>
    private void WarmUp(DeviceStream given, Table<TensorIndex, DevicePointer> addresses)
    {
        DeviceStream stream = _devices[Key.Unit.Device].Own;
        _staging.Make();
        PutBehind(stream, given, _devices[Key.Unit.Device].Marker);
        var scratch = new List<DeviceBlock>();
        try
        {
            _staging.BindScratch(stream, scratch);
            _staging.CopyIn(stream, addresses);
            for (int round = 0; round < Key.Unit.WarmUps; round++)
            {
                Launch();
            }
        }
        finally
        {
            scratch.ForEach(block => block.Return(block.Generation));
        }
    }

    private RecordedGraph Capture(DeviceStream stream)
    {
        KeepOff(recording: true);
        try
        {
            stream.BeginCapture();
            Launch();
            return stream.EndCapture();
        }
        catch
        {
            stream.AbandonCapture();
            throw;
        }
        finally
        {
            KeepOff(recording: false);
        }
    }

    private void KeepOff(bool recording)
    {
        foreach (LaneDevice device in _devices.Items)
        {
            device.Own.KeepOff(recording);
        }
    }

    /// <inheritdoc cref="GraphStaging.Claim"/>
    public void Claim(TensorAddresses forward, bool withOutputs) => _staging.Claim(forward, withOutputs);

    /// <summary>Copies the inputs into staging, replays, copies the outputs to where the forward wants them; what lies in the staging is
    /// not copied.</summary>
    public void Replay(DeviceStream stream, TensorAddresses forward)
    {
        _staging.CopyIn(stream, forward.On(Key.Unit.Device));
        _executable!.Launch(stream);
        _staging.CopyOut(stream, forward);
    }

    /// <summary>The capture failed: waits for the warm-ups, then gives everything back but the memory of the failure.</summary>
    public void Fail()
    {
        Failures++;
        foreach (LaneDevice device in _devices.Items)
        {
            device.Context.Record(device.Context.Driver.StreamSynchronize(device.Own.Handle), nameof(ICudaDriver.StreamSynchronize));
        }

        Dispose();
    }

    public void Dispose()
    {
        _executable?.Dispose();
        _executable = null;
        IsWarm = false;
        foreach (BoundSegment segment in _segments)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.Dispose();
        }

        _staging.Dispose();
    }

    private bool CanCapture()
    {
        foreach (BoundSegment segment in _segments)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.BringTo(Key.Shapes);
            if (!segment.CanCapture)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Puts every segment on its device's own stream, joined to the unit's; plainly or into a capture.</summary>
    private void Launch()
    {
        DeviceIndex home = Key.Unit.Device;
        Span<bool> joined = stackalloc bool[_devices.Count];
        joined[home.Value] = true;
        foreach (BoundSegment segment in _segments)
        {
            DeviceIndex at = _module.DeviceOf(segment.Index);
            LaneDevice target = _devices[at];
            using ContextEntry entry = target.Context.Enter();
            foreach (TensorIndex tensor in segment.Wiring.Inputs)
            {
                DeviceIndex from = Key.Unit.OriginOf(tensor);
                if (from != at)
                {
                    joined[at.Value] = true;
                    LaneDevice source = _devices[from];
                    PutBehind(target.Own, source.Own, source.Marker);
                    target.CopyHere(
                        _staging.Addresses.On(at)[tensor],
                        _staging.Addresses.On(from)[tensor],
                        source.Context,
                        Key.Shapes.BytesOf(tensor),
                        target.Own
                    );
                }
            }

            segment.Launch(_staging.Addresses.On(at), target.Own, NoAllocator.Instance);
        }

        foreach (DeviceIndex device in _devices.Indices)
        {
            if (joined[device.Value] && device != home)
            {
                PutBehind(_devices[home].Own, _devices[device].Own, _devices[device].Marker);
            }
        }
    }

    private static void PutBehind(DeviceStream stream, DeviceStream former, DeviceEvent marker)
    {
        if (!ReferenceEquals(stream, former))
        {
            marker.Record(former);
            stream.WaitFor(marker);
        }
    }
}

using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>One recorded graph with everything it touches: execution contexts of its own, staging for inputs, outputs and what lies
/// between, and the executable.</summary>
/// <remarks>
/// Contexts and staging are never used for anything else while the graph lives, so that a replay means what was recorded.
/// Aliased tensors are bound where the caller has them; their addresses are part of the key. Long, because warm-up, recording and replay
/// must agree on one layout of staging and addresses.
/// <b>Owns</b> contexts, staging and executable. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class GraphEntry : IDisposable
{
    private readonly ModuleGraph _graph;
    private readonly ForwardPlan _plan;
    private readonly LaneDevice[] _devices;
    private readonly SegmentLane[] _segments;
    private readonly TensorShape[] _shapes;
    private readonly int[] _profiles;
    private readonly int[] _aliased;
    private readonly DevicePointer[] _aliasedAddresses;
    private readonly DevicePointer[][] _addresses;
    private readonly DeviceBuffer?[] _staging;
    private GraphExecutable? _executable;

    /// <param name="segments">Segments of the unit with contexts of their own; the entry disposes them.</param>
    /// <param name="given">Addresses of the unit's inputs on its device; aliased ones are bound as they are.</param>
    public GraphEntry(
        ModuleGraph graph,
        GraphUnit unit,
        ForwardPlan plan,
        LaneDevice[] devices,
        SegmentLane[] segments,
        ReadOnlySpan<DevicePointer> given
    )
    {
        _graph = graph;
        _plan = plan;
        _devices = devices;
        _segments = segments;
        Unit = unit;
        _shapes = [.. unit.Inputs.Select(tensor => plan.Shapes[tensor])];
        _profiles = plan.Profiles[unit.First..(unit.First + unit.Count)];
        _aliased = [.. unit.Inputs.Where(tensor => graph.Tensors[tensor].IsAliased)];
        _aliasedAddresses = new DevicePointer[_aliased.Length];
        for (int index = 0; index < _aliased.Length; index++)
        {
            _aliasedAddresses[index] = given[_aliased[index]];
        }

        _addresses = [.. devices.Select(_ => new DevicePointer[graph.Tensors.Length])];
        _staging = new DeviceBuffer?[devices.Length];
    }

    public GraphUnit Unit { get; }

    /// <summary>Recorded and ready.</summary>
    public bool IsCaptured => _executable is not null;

    /// <summary>Captures of this key that failed; after two it stays plain.</summary>
    public int Failures { get; private set; }

    /// <summary>A forward that used it has completed without failure.</summary>
    public bool IsProven { get; set; }

    /// <summary>Whether this is the graph of these shapes, profiles and aliased addresses.</summary>
    public bool Fits(GraphUnit unit, ForwardPlan plan, ReadOnlySpan<DevicePointer> given)
    {
        if (!ReferenceEquals(unit, Unit))
        {
            return false;
        }

        for (int index = 0; index < _aliased.Length; index++)
        {
            if (given[_aliased[index]] != _aliasedAddresses[index])
            {
                return false;
            }
        }

        return ReferenceEquals(plan, _plan)
            || (plan.SameShapeValues(_plan) && SameShapes(plan) && plan.Profiles.AsSpan(Unit.First, Unit.Count).SequenceEqual(_profiles));
    }

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

        MakeStaging();
        for (int device = 0; device < _devices.Length; device++)
        {
            if (_staging[device] is { } staging)
            {
                using ContextEntry entry = _devices[device].Context.Enter();
                _devices[device].Own.Fill(staging.Pointer, 0, staging.ByteCount);
            }
        }

        for (int round = 0; round < Unit.WarmUps; round++)
        {
            Launch();
        }

        IsWarm = true;
        return Unit.WarmUps;
    }

    /// <summary>Records; before that makes staging and contexts and runs the warm-ups, unless it is warm. Runs on the lane's own
    /// streams.</summary>
    /// <param name="warmUps">Warm-ups run.</param>
    /// <exception cref="ForwardException">Out of memory or refused; nothing is left.</exception>
    /// <exception cref="CudaException">The capture failed; nothing is left.</exception>
    /// <returns>False when nothing was recorded, because an engine cannot be captured now.</returns>
    public bool Record(DeviceStream given, ReadOnlySpan<DevicePointer> addresses, out int warmUps)
    {
        warmUps = 0;
        DeviceStream stream = _devices[Unit.Device].Own;
        if (!CanCapture())
        {
            return false;
        }

        if (!IsWarm)
        {
            WarmUp(given, addresses);
            warmUps = Unit.WarmUps;
        }

        BindAliased(_aliasedAddresses);
        using RecordedGraph recorded = Capture(stream);
        _executable = recorded.Instantiate();
        Order(given, behind: stream);
        return true;
    }

    /// <summary>With the call's own data, in scratch copies where the call's memory would be written.</summary>
    private void WarmUp(DeviceStream given, ReadOnlySpan<DevicePointer> addresses)
    {
        DeviceStream stream = _devices[Unit.Device].Own;
        MakeStaging();
        Order(stream, behind: given);
        var scratch = new List<DeviceBlock>();
        try
        {
            BindScratch(stream, scratch);
            CopyIn(stream, addresses);
            for (int round = 0; round < Unit.WarmUps; round++)
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
        foreach (LaneDevice device in _devices)
        {
            device.Own.KeepOff(recording);
        }
    }

    /// <summary>Copies the inputs into staging, replays, copies the outputs to where the forward wants them.</summary>
    public void Replay(DeviceStream stream, ReadOnlySpan<DevicePointer> inputs, LaneDevice[] outputs)
    {
        CopyIn(stream, inputs);
        _executable!.Launch(stream);
        foreach (int tensor in Unit.Outputs)
        {
            int device = DeviceOf(tensor);
            Copy(outputs[device].Addresses[tensor], _addresses[device][tensor], _plan.Bytes[tensor], stream, device);
        }
    }

    /// <summary>The capture failed: waits for the warm-ups, then gives everything back but the memory of the failure.</summary>
    public void Fail()
    {
        Failures++;
        DeviceStream stream = _devices[Unit.Device].Own;
        stream.Context.Record(stream.Context.Driver.StreamSynchronize(stream.Handle), nameof(ICudaDriver.StreamSynchronize));
        Dispose();
    }

    public void Dispose()
    {
        _executable?.Dispose();
        _executable = null;
        IsWarm = false;
        foreach (SegmentLane segment in _segments)
        {
            using ContextEntry entry = segment.Device.Context.Enter();
            segment.Dispose();
        }

        for (int device = 0; device < _staging.Length; device++)
        {
            _staging[device]?.Dispose();
            _staging[device] = null;
        }
    }

    private bool SameShapes(ForwardPlan plan)
    {
        for (int index = 0; index < _shapes.Length; index++)
        {
            if (plan.Shapes[Unit.Inputs[index]] != _shapes[index])
            {
                return false;
            }
        }

        return true;
    }

    private bool CanCapture()
    {
        for (int index = 0; index < _segments.Length; index++)
        {
            using ContextEntry entry = _segments[index].Device.Context.Enter();
            _segments[index].Shape(_plan, Unit.First + index);
            if (!_segments[index].CanCapture)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Index of the lane's device a tensor of the unit comes into being on.</summary>
    private int DeviceOf(int tensor)
    {
        int producer = _graph.Tensors[tensor].Producer - Unit.First;
        return producer >= 0 && producer < Unit.Count ? _segments[producer].DeviceIndex : Unit.Device;
    }

    /// <summary>One allocation per device: inputs, what lies between, copies for other devices, outputs.</summary>
    private void MakeStaging()
    {
        var places = new List<(int Device, int Tensor, ulong Offset)>();
        ulong[] sizes = new ulong[_devices.Length];
        foreach (int tensor in Unit.Inputs.Where(tensor => !_graph.Tensors[tensor].IsAliased))
        {
            Place(Unit.Device, tensor);
        }

        foreach (SegmentLane segment in _segments)
        {
            foreach (int tensor in segment.Wiring.Inputs.Where(tensor => DeviceOf(tensor) != segment.DeviceIndex))
            {
                Place(segment.DeviceIndex, tensor);
            }

            foreach (int tensor in segment.Wiring.Outputs.Where(tensor => _graph.Tensors[tensor].AliasOf < 0))
            {
                Place(segment.DeviceIndex, tensor);
            }
        }

        for (int device = 0; device < sizes.Length; device++)
        {
            _staging[device] =
                sizes[device] > 0
                    ? DeviceMemoryShortage.Guard(_devices[device].Context, sizes[device], "The static buffers of a graph")
                    : null;
        }

        foreach ((int device, int tensor, ulong offset) in places)
        {
            _addresses[device][tensor] = _staging[device]!.Pointer + offset;
        }

        BindAliased(_aliasedAddresses);

        void Place(int device, int tensor)
        {
            if (!places.Exists(place => place.Device == device && place.Tensor == tensor))
            {
                places.Add((device, tensor, sizes[device]));
                sizes[device] += (Math.Max(_plan.Bytes[tensor], 1) + 255) / 256 * 256;
            }
        }
    }

    /// <summary>Warm-ups must not write the caller's aliased tensors: they get copies.</summary>
    private void BindScratch(DeviceStream stream, List<DeviceBlock> scratch)
    {
        var addresses = new DevicePointer[_aliased.Length];
        for (int index = 0; index < _aliased.Length; index++)
        {
            DeviceBlock block = _devices[Unit.Device].Pool.Rent(_plan.Bytes[_aliased[index]], stream);
            scratch.Add(block);
            addresses[index] = block.Pointer;
            Copy(block.Pointer, _aliasedAddresses[index], _plan.Bytes[_aliased[index]], stream, Unit.Device);
        }

        BindAliased(addresses);
    }

    private void BindAliased(DevicePointer[] addresses)
    {
        for (int index = 0; index < _aliased.Length; index++)
        {
            _addresses[Unit.Device][_aliased[index]] = addresses[index];
        }

        // Outputs written in place lie where their input lies, on the device of the segment that writes them.
        foreach (SegmentLane segment in _segments)
        {
            foreach (int tensor in segment.Wiring.Outputs.Where(tensor => _graph.Tensors[tensor].AliasOf >= 0))
            {
                _addresses[segment.DeviceIndex][tensor] = _addresses[segment.DeviceIndex][_graph.RootOf(tensor)];
            }
        }
    }

    private void CopyIn(DeviceStream stream, ReadOnlySpan<DevicePointer> given)
    {
        foreach (int tensor in Unit.Inputs)
        {
            if (!_graph.Tensors[tensor].IsAliased)
            {
                Copy(_addresses[Unit.Device][tensor], given[tensor], _plan.Bytes[tensor], stream, Unit.Device);
            }
        }
    }

    private void Copy(DevicePointer to, DevicePointer from, ulong bytes, DeviceStream stream, int device)
    {
        if (bytes == 0)
        {
            return;
        }

        if (device == Unit.Device)
        {
            stream.CopyOnDevice(to, from, bytes);
        }
        else
        {
            DeviceContext context = _devices[device].Context;
            context.Driver.MemcpyPeerAsync(to, context.Handle, from, context.Handle, bytes, stream.Handle).ThrowIfFailed();
        }
    }

    /// <summary>Puts every segment on its device's own stream, joined to the unit's; plainly or into a capture.</summary>
    private void Launch()
    {
        Span<bool> joined = stackalloc bool[_devices.Length];
        joined[Unit.Device] = true;
        foreach (SegmentLane segment in _segments)
        {
            LaneDevice target = _devices[segment.DeviceIndex];
            using ContextEntry entry = target.Context.Enter();
            foreach (int tensor in segment.Wiring.Inputs)
            {
                int from = DeviceOf(tensor);
                if (from != segment.DeviceIndex)
                {
                    joined[segment.DeviceIndex] = true;
                    Order(target.Own, behind: _devices[from].Own, _devices[from].Order);
                    target
                        .Context.Driver.MemcpyPeerAsync(
                            _addresses[segment.DeviceIndex][tensor],
                            target.Context.Handle,
                            _addresses[from][tensor],
                            _devices[from].Context.Handle,
                            _plan.Bytes[tensor],
                            target.Own.Handle
                        )
                        .ThrowIfFailed();
                }
            }

            segment.Launch(_addresses[segment.DeviceIndex], target.Own, NoAllocator.Instance);
        }

        for (int device = 0; device < _devices.Length; device++)
        {
            if (joined[device] && device != Unit.Device)
            {
                Order(_devices[Unit.Device].Own, behind: _devices[device].Own, _devices[device].Order);
            }
        }
    }

    private void Order(DeviceStream stream, DeviceStream behind) => Order(stream, behind, _devices[Unit.Device].Order);

    private static void Order(DeviceStream stream, DeviceStream behind, DeviceEvent marker)
    {
        if (!ReferenceEquals(stream, behind))
        {
            marker.Record(behind);
            stream.WaitFor(marker);
        }
    }
}

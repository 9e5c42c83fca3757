using System.Diagnostics;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>One segment with an execution context of its own, bound to the shapes and addresses of a lane's forward or of a
/// recording.</summary>
/// <remarks><b>Owns</b> the context, which is made at first use, and the scratch memory it keeps. <b>Thread</b> the lane's holder, device
/// context of <see cref="Device"/> current. <b>Blocks</b> never.</remarks>
/// <param name="keepsWorkspace">Scratch memory that is allocated per call stays bound, because a recording holds its address.</param>
internal sealed class BoundSegment(
    InstanceParts parts,
    SegmentIndex index,
    LaneDevice device,
    FailureSlot failure,
    SegmentProfile profile,
    bool keepsWorkspace
) : IDisposable
{
    private readonly TensorShape[] _inferred = new TensorShape[parts.Graph.Segments[index].Outputs.Length];
    private IExecutionContext? _context;
    private IContextProfiles? _profiles;
    private IContextWorkspace? _supplied;
    private IAllocatedOutputs? _allocated;
    private IHostStrings? _strings;
    private ForwardShapes? _shapes;
    private DeviceBlock? _workspace;
    private SharedWorkspace.Piece? _shared;

    public SegmentIndex Index { get; } = index;

    public LaneDevice Device { get; } = device;

    public GraphSegment Wiring { get; } = parts.Graph.Segments[index];

    public IEngine Engine { get; } = parts.Engines[index.Value];

    public SegmentProfile Profile => profile;

    /// <summary>The profile its context is on; a new one starts with 0.</summary>
    public int ActiveProfile => _profiles?.Active ?? 0;

    /// <summary>The same segment with a context of its own, for a recording of it.</summary>
    public BoundSegment ForRecording() => new(parts, Index, Device, failure, profile, keepsWorkspace: true);

    /// <summary>Brings the context to the profile and shapes of a forward, and fixes the outputs' shapes as far as they can be
    /// inferred.</summary>
    public void BringTo(ForwardShapes shapes)
    {
        if (ReferenceEquals(_shapes, shapes))
        {
            return;
        }

        IExecutionContext context = Context();
        _shapes = null;
        if (_profiles is { } profiles && profiles.Active != shapes.ProfileOf(Index))
        {
            profiles.Switch(shapes.ProfileOf(Index), Device.Stream.Handle);
        }

        for (int slot = 0; slot < Wiring.Inputs.Length; slot++)
        {
            TensorIndex tensor = Wiring.Inputs[slot];
            context.SetInputShape(slot, shapes[tensor]);
            if (Engine.Inputs[slot].IsShapeTensor)
            {
                context.ShapeValues!.Set(slot, ShapeTensors.ValuesOf(parts.Graph, shapes, tensor));
            }
        }

        context.InferShapes(_inferred);
        for (int slot = 0; slot < _inferred.Length; slot++)
        {
            TensorIndex tensor = Wiring.Outputs[slot];
            if (_inferred[slot].IsConcrete && !shapes.IsKnown(tensor))
            {
                RefuseUnequalAlias(shapes, tensor, _inferred[slot]);
                shapes.Fix(tensor, _inferred[slot]);
            }
            else if (!shapes.IsKnown(tensor) && parts.Graph.Tensors[tensor].AliasOf is { } source)
            {
                throw new ForwardException(
                    FailureKind.NotSupported,
                    $"The output '{parts.Graph.Tensors[tensor].Name}' is written in place of '{parts.Graph.Tensors[source].Name}', but its shape is known only after the run. Aliasing requires fixed output shape."
                );
            }
        }

        _shapes = shapes;
    }

    /// <summary>The engine records its own work (TensorRT-RTX).</summary>
    public bool CapturesItself { get; } = parts.Engines[index.Value].ConfigurableRuntime is not null;

    /// <summary>Whether the engine can be recorded with the shapes it has now.</summary>
    public bool CanCapture => (Engine.Capabilities & EngineCapabilities.CudaGraphs) != 0 && Context().CanCapture;

    /// <summary>The same for a segment with strings, which are read and written where this table says.</summary>
    public void Launch(
        Table<TensorIndex, DevicePointer> addresses,
        Table<TensorIndex, ReadOnlyMemory<byte>> strings,
        Table<TensorIndex, long> mostStringBytes,
        DeviceStream stream,
        IOutputAllocator allocator
    )
    {
        Context();
        for (int slot = 0; _strings is not null && slot < Wiring.Inputs.Length; slot++)
        {
            if (parts.Graph.Tensors[Wiring.Inputs[slot]].IsOnHost)
            {
                _strings.SetInput(slot, strings[Wiring.Inputs[slot]]);
            }
        }

        for (int slot = 0; _strings is not null && slot < Wiring.Outputs.Length; slot++)
        {
            if (parts.Graph.Tensors[Wiring.Outputs[slot]].IsOnHost)
            {
                _strings.SetMost(slot, mostStringBytes[Wiring.Outputs[slot]]);
            }
        }

        Launch(addresses, stream, allocator);
        for (int slot = 0; _strings is not null && slot < Wiring.Outputs.Length; slot++)
        {
            if (parts.Graph.Tensors[Wiring.Outputs[slot]].IsOnHost)
            {
                strings[Wiring.Outputs[slot]] = _strings.RemoveOutput(slot);
            }
        }
    }

    /// <summary>Binds every tensor to its address and enqueues the engine; outputs without an address come from
    /// <paramref name="allocator"/>.</summary>
    /// <param name="addresses">By tensor, on this segment's device.</param>
    public void Launch(Table<TensorIndex, DevicePointer> addresses, DeviceStream stream, IOutputAllocator allocator)
    {
        IExecutionContext context = Context();
        bool profiled = parts.Settings.Profiling != ProfilingFormat.Off;
        long start = profiled ? Stopwatch.GetTimestamp() : 0;
        for (int slot = 0; slot < Wiring.Inputs.Length; slot++)
        {
            context.SetInputAddress(slot, addresses[Wiring.Inputs[slot]]);
        }

        long inputs = profiled ? Stopwatch.GetTimestamp() : 0;
        for (int slot = 0; slot < Wiring.Outputs.Length; slot++)
        {
            if (addresses[Wiring.Outputs[slot]] is { IsNull: false } address)
            {
                context.SetOutputAddress(slot, address);
            }
            else
            {
                _allocated!.SetAllocator(slot, allocator);
            }
        }

        if (_supplied is { Bytes: > 0 } supplied)
        {
            if (parts.Settings.Workspace == WorkspaceStrategy.Dynamic)
            {
                BindWorkspace(supplied, (ulong)supplied.Bytes, stream);
            }
            else
            {
                ShareWorkspace(supplied, (ulong)supplied.Bytes, stream);
            }
        }

        long outputs = profiled ? Stopwatch.GetTimestamp() : 0;
        try
        {
            context.Enqueue(stream.Handle);
        }
        finally
        {
            if (!keepsWorkspace)
            {
                ReturnWorkspace();
            }
        }

        if (profiled)
        {
            profile.Inputs = Stopwatch.GetElapsedTime(start, inputs);
            profile.Outputs = Stopwatch.GetElapsedTime(inputs, outputs);
            profile.Enqueue = Stopwatch.GetElapsedTime(outputs);
        }
    }

    /// <summary>Gives back what the context keeps between calls and can make anew; nothing of it is in flight.</summary>
    public void GiveBackMemory()
    {
        _context?.GiveBackMemory();
        ReturnWorkspace();
        if (_shared is { } held)
        {
            _shared = null;
            Device.Workspace.LetGo(held);
        }
    }

    public void Dispose()
    {
        _context?.Dispose();
        (_context, _profiles, _supplied, _allocated, _strings) = (null, null, null, null, null);
        GiveBackMemory();
        _shapes = null;
    }

    private IExecutionContext Context() => _context ?? MakeContext();

    private IExecutionContext MakeContext()
    {
        // A static workspace is the lane's where the engine lets it be: its contexts run one after the other.
        bool isShared = (Engine.Capabilities & EngineCapabilities.SharedWorkspace) != 0;
        bool isProfiled = parts.Settings.Profiling != ProfilingFormat.Off && Engine.Capabilities.HasFlag(EngineCapabilities.LayerProfiling);
        _context = Engine.CreateContext(
            failure,
            isShared ? WorkspaceStrategy.Dynamic : parts.Settings.Workspace,
            isProfiled ? profile : null
        );
        _profiles = _context.Profiles;
        _supplied = _context.Workspace;
        _allocated = _context.AllocatedOutputs;
        _strings = _context.Strings;
        parts.Counters.CountContext();
        return _context;
    }

    private void BindWorkspace(IContextWorkspace context, ulong bytes, DeviceStream stream)
    {
        if (_workspace is null || _workspace.Bytes < bytes)
        {
            ReturnWorkspace();
            _workspace = Device.Pool.Rent(bytes, stream);
            context.Bind(_workspace.Pointer, (long)bytes);
        }
    }

    /// <summary>A recording keeps the piece it was recorded with; other contexts follow to the largest one.</summary>
    private void ShareWorkspace(IContextWorkspace context, ulong bytes, DeviceStream stream)
    {
        if (_shared is not { } held || held.Block.Bytes < bytes || (!keepsWorkspace && !ReferenceEquals(held, Device.Workspace.Current)))
        {
            SharedWorkspace.Piece taken = Device.Workspace.Hold(bytes, stream);
            context.Bind(taken.Block.Pointer, (long)taken.Block.Bytes);
            if (_shared is { } former)
            {
                Device.Workspace.LetGo(former);
            }

            _shared = taken;
        }

        _shared!.Block.Stream = stream;
    }

    private void ReturnWorkspace()
    {
        _workspace?.Return(_workspace.Generation);
        _workspace = null;
    }

    private void RefuseUnequalAlias(ForwardShapes shapes, TensorIndex tensor, in TensorShape shape)
    {
        if (parts.Graph.Tensors[tensor].AliasOf is { } source && shapes[source] != shape)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The output '{parts.Graph.Tensors[tensor].Name}' is written in place of '{parts.Graph.Tensors[source].Name}', but has the shape {shape} where that has {shapes[source]}."
            );
        }
    }
}

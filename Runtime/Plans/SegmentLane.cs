using System.Diagnostics;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>One segment inside one lane: its execution context, brought to the shapes and addresses of the forward under way.</summary>
/// <param name="keepsWorkspace">Scratch memory that is allocated per call stays bound, because a recording holds its address.</param>
/// <remarks><b>Owns</b> the context, which is made at first use, and the scratch memory it keeps. <b>Thread</b> the lane's holder, device
/// context of <see cref="Device"/> current. <b>Blocks</b> never.</remarks>
internal sealed class SegmentLane(
    ModuleGraph graph,
    GraphSegment wiring,
    IEngine engine,
    LaneDevice device,
    int deviceIndex,
    FailureSlot failure,
    InstanceSettings settings,
    InstanceCounters counters,
    SegmentProfile profile,
    bool keepsWorkspace
) : IDisposable
{
    private readonly TensorShape[] _inferred = new TensorShape[wiring.Outputs.Length];
    private IExecutionContext? _context;
    private IContextProfiles? _profiles;
    private IContextWorkspace? _supplied;
    private IAllocatedOutputs? _allocated;
    private ForwardPlan? _plan;
    private DeviceBlock? _workspace;
    private SharedWorkspace.Piece? _shared;

    public LaneDevice Device { get; } = device;

    /// <summary>Index of <see cref="Device"/> among the lane's devices.</summary>
    public int DeviceIndex { get; } = deviceIndex;

    public GraphSegment Wiring { get; } = wiring;

    public IEngine Engine { get; } = engine;

    /// <summary>The profile its context is on; a new one starts with 0.</summary>
    public int ActiveProfile => _profiles?.Active ?? 0;

    /// <summary>Whether its context has been made.</summary>
    public bool HasContext => _context is not null;

    /// <summary>Brings the context to a plan's profile and shapes, and settles the outputs' shapes in it as far as they can be
    /// inferred.</summary>
    public void Shape(ForwardPlan plan, int segment)
    {
        if (ReferenceEquals(_plan, plan))
        {
            return;
        }

        IExecutionContext context = Context();
        _plan = null;
        if (_profiles is { } profiles && profiles.Active != plan.Profiles[segment])
        {
            profiles.Switch(plan.Profiles[segment], Device.Stream.Handle);
        }

        for (int slot = 0; slot < Wiring.Inputs.Length; slot++)
        {
            int tensor = Wiring.Inputs[slot];
            context.SetInputShape(slot, plan.Shapes[tensor]);
            if (Engine.Inputs[slot].IsShapeTensor)
            {
                context.ShapeValues!.Set(slot, ShapeTensors.ValuesOf(graph, plan, tensor));
            }
        }

        context.InferShapes(_inferred);
        for (int slot = 0; slot < _inferred.Length; slot++)
        {
            int tensor = Wiring.Outputs[slot];
            if (_inferred[slot].IsConcrete && !plan.Known[tensor])
            {
                RefuseUnequalAlias(plan, tensor, _inferred[slot]);
                plan.Settle(graph, tensor, _inferred[slot]);
            }
            else if (!plan.Known[tensor] && graph.Tensors[tensor].AliasOf >= 0)
            {
                throw new ForwardException(
                    FailureKind.NotSupported,
                    $"The output '{graph.Tensors[tensor].Name}' is written in place of '{graph.Tensors[graph.Tensors[tensor].AliasOf].Name}', but its shape is known only after the run. Aliasing requires fixed output shape."
                );
            }
        }

        _plan = plan;
    }

    /// <summary>The engine records its own work (TensorRT-RTX).</summary>
    public bool CapturesItself { get; } = engine.ConfigurableRuntime is not null;

    /// <summary>Whether the engine can be recorded with the shapes it has now.</summary>
    public bool CanCapture => (Engine.Capabilities & EngineCapabilities.CudaGraphs) != 0 && Context().CanCapture;

    /// <summary>Binds every tensor to its address and enqueues the engine; outputs without an address come from
    /// <paramref name="allocator"/>.</summary>
    /// <param name="addresses">By tensor, on this segment's device.</param>
    public void Launch(ReadOnlySpan<DevicePointer> addresses, DeviceStream stream, IOutputAllocator allocator)
    {
        IExecutionContext context = Context();
        bool profiled = settings.Profiling != ProfilingFormat.Off;
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
            if (settings.Workspace == WorkspaceStrategy.Dynamic)
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

    /// <summary>Forgets the plan, so that shapes are set again.</summary>
    public void Forget() => _plan = null;

    public void Dispose()
    {
        _context?.Dispose();
        (_context, _profiles, _supplied, _allocated) = (null, null, null, null);
        ReturnWorkspace();
        if (_shared is { } held)
        {
            _shared = null;
            Device.Workspace.Drop(held);
        }

        _plan = null;
    }

    private IExecutionContext Context() => _context ?? MakeContext();

    private IExecutionContext MakeContext()
    {
        // A static workspace is the lane's where the engine lets it be: its contexts run one after the other.
        bool isShared = (Engine.Capabilities & EngineCapabilities.SharedWorkspace) != 0;
        bool isProfiled = settings.Profiling != ProfilingFormat.Off && Engine.Capabilities.HasFlag(EngineCapabilities.LayerProfiling);
        _context = Engine.CreateContext(failure, isShared ? WorkspaceStrategy.Dynamic : settings.Workspace, isProfiled ? profile : null);
        _profiles = _context.Profiles;
        _supplied = _context.Workspace;
        _allocated = _context.AllocatedOutputs;
        counters.CountContext();
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
            SharedWorkspace.Piece taken = Device.Workspace.Take(bytes, stream);
            context.Bind(taken.Block.Pointer, (long)taken.Block.Bytes);
            if (_shared is { } former)
            {
                Device.Workspace.Drop(former);
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

    private void RefuseUnequalAlias(ForwardPlan plan, int tensor, in TensorShape shape)
    {
        int source = graph.Tensors[tensor].AliasOf;
        if (source >= 0 && plan.Shapes[source] != shape)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The output '{graph.Tensors[tensor].Name}' is written in place of '{graph.Tensors[source].Name}', but has the shape {shape} where that has {plan.Shapes[source]}."
            );
        }
    }
}

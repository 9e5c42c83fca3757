using Troupe.Messages.Forwarding;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>One segment inside one lane: its execution context, brought to the shapes and addresses of the forward under way.</summary>
/// <remarks><b>Owns</b> the context, which is made at first use. <b>Thread</b> the lane's holder, device context of <see cref="Device"/> current. <b>Blocks</b> never.</remarks>
internal sealed class SegmentLane(ModuleGraph graph, GraphSegment wiring, IEngine engine, LaneDevice device, int deviceIndex, FailureSlot failure) : IDisposable
{
    private readonly TensorShape[] _inferred = new TensorShape[wiring.Outputs.Length];
    private IExecutionContext? _context;
    private ForwardPlan? _plan;

    public LaneDevice Device { get; } = device;

    /// <summary>Index of <see cref="Device"/> among the lane's devices.</summary>
    public int DeviceIndex { get; } = deviceIndex;

    public GraphSegment Wiring { get; } = wiring;

    public IEngine Engine { get; } = engine;

    /// <summary>The profile its context is on; a new one starts with 0.</summary>
    public int ActiveProfile => _context?.ActiveProfile ?? 0;

    /// <summary>Whether its context has been made.</summary>
    public bool HasContext => _context is not null;

    /// <summary>Brings the context to a plan's profile and shapes, and settles the outputs' shapes in it as far as they can be inferred.</summary>
    public void Shape(ForwardPlan plan, int segment)
    {
        if (ReferenceEquals(_plan, plan))
        {
            return;
        }

        IExecutionContext context = Context();
        _plan = null;
        if (context.ActiveProfile != plan.Profiles[segment])
        {
            context.SetProfile(plan.Profiles[segment], Device.Stream.Handle);
        }

        for (int slot = 0; slot < Wiring.Inputs.Length; slot++)
        {
            context.SetInputShape(slot, plan.Shapes[Wiring.Inputs[slot]]);
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
        }

        _plan = plan;
    }

    /// <summary>Binds every tensor to its address on this device and enqueues the engine; outputs without an address come from <paramref name="allocator"/>.</summary>
    public void Launch(IOutputAllocator allocator)
    {
        IExecutionContext context = Context();
        for (int slot = 0; slot < Wiring.Inputs.Length; slot++)
        {
            context.SetInputAddress(slot, Device.Addresses[Wiring.Inputs[slot]]);
        }

        for (int slot = 0; slot < Wiring.Outputs.Length; slot++)
        {
            if (Device.Addresses[Wiring.Outputs[slot]] is { IsNull: false } address)
            {
                context.SetOutputAddress(slot, address);
            }
            else
            {
                context.SetOutputAllocator(slot, allocator);
            }
        }

        context.Enqueue(Device.Stream.Handle);
    }

    /// <summary>Forgets the plan, so that shapes are set again.</summary>
    public void Forget() => _plan = null;

    public void Dispose()
    {
        _context?.Dispose();
        _context = null;
        _plan = null;
    }

    private IExecutionContext Context() => _context ??= Engine.CreateContext(failure, WorkspaceStrategy.Static);

    private void RefuseUnequalAlias(ForwardPlan plan, int tensor, in TensorShape shape)
    {
        int source = graph.Tensors[tensor].AliasOf;
        if (source >= 0 && plan.Shapes[source] != shape)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The output '{graph.Tensors[tensor].Name}' is written in place of '{graph.Tensors[source].Name}', but has the shape {shape} where that has {plan.Shapes[source]}.");
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>An execution context that holds its caller to TensorRT's rules: shapes inside the active profile, aligned addresses, scratch
/// memory, allocators where they are required.</summary>
/// <remarks><b>Owns</b> the network's runs and, under the static strategy, its scratch memory. <b>Thread</b> the lane's holder.
/// <b>Blocks</b> in an enqueue while weights are streamed. It is long because a context is one state: what is set for a call decides what
/// holds for the next.</remarks>
internal sealed class EmulatedContext : IExecutionContext, IContextProfiles, IShapeValues, IContextWorkspace, IAllocatedOutputs
{
    private const ulong Alignment = 256;

    private readonly EmulatedEngine _engine;
    private readonly OnnxNetwork _network;
    private readonly ContextCount _contexts;
    private readonly OnnxCall _call;
    private readonly EmulatedRunLauncher _launcher;
    private readonly OnnxRuns _runs;
    private readonly long[][] _values;
    private readonly WorkspaceStrategy _strategy;
    private readonly DeviceBlock? _own;
    private bool _isInferred;
    private bool _isSpecialized;

    public EmulatedContext(
        EmulatedEngine engine,
        OnnxNetwork network,
        ContextCount contexts,
        FailureSlot failure,
        WorkspaceStrategy strategy,
        ILayerProfiler? profiler
    )
    {
        _engine = engine;
        _network = network;
        _contexts = contexts;
        _strategy = strategy;
        _call = new OnnxCall(engine.Inputs.Count, engine.Outputs.Count);
        _launcher = new EmulatedRunLauncher(engine, failure, profiler);
        _runs = new OnnxRuns(network, _call, _launcher, failure);
        _values = [.. engine.Inputs.Select(_ => Array.Empty<long>())];
        if (strategy == WorkspaceStrategy.Static && engine.Manifest.WorkspaceBytes > 0)
        {
            try
            {
                _own = engine.Home.Memory.Reserve((ulong)engine.Manifest.WorkspaceBytes, OnnxFailures.BuffersOf(engine.Name));
            }
            catch
            {
                _runs.Dispose();
                throw;
            }

            _launcher.Scratch = new DeviceAccess(_own.Pointer, _own.Bytes, AccessKind.ReadWrite);
        }

        contexts.Add();
    }

    public IContextProfiles? Profiles => _engine.Profiles.Count > 0 ? this : null;

    public IShapeValues? ShapeValues => _engine.Manifest.ShapeTensors.Count > 0 ? this : null;

    public IContextWorkspace? Workspace => _strategy == WorkspaceStrategy.Dynamic && _engine.Manifest.WorkspaceBytes > 0 ? this : null;

    public IAllocatedOutputs? AllocatedOutputs => this;

    public int Active { get; private set; }

    public long Bytes => _engine.Manifest.WorkspaceBytes;

    /// <summary>False while weights are streamed (TensorRT then synchronizes inside the enqueue), and while kernels for free dimensions are
    /// still specialized lazily (TensorRT-RTX).</summary>
    public bool CanCapture
    {
        get
        {
            if (StreamsWeights || _engine.RequiresOutputAllocator || _engine.Rtx is { SpecializesLater: true })
            {
                return false;
            }

            Infer();
            return _call.KnowsOutputShapes;
        }
    }

    private bool StreamsWeights => _engine.Weights is { AreStreamed: true };

    public void Switch(int index, CuStream stream)
    {
        Active = (uint)index < (uint)_engine.Profiles.Count ? index : throw ProfileSpec.OutOfRange(index, _engine.Profiles.Count);
        _isSpecialized = false;
        _isInferred = false;
        _call.ForgetShapes();
    }

    public void SetInputShape(int input, in TensorShape shape)
    {
        EngineTensor tensor = _engine.Inputs[input];
        if (!tensor.IsShapeTensor && RangeOf(input) is { } range && !range.Admits(shape))
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{tensor.Name}' of '{_engine.Name}' has the shape {shape}; optimization profile {Active} admits {range.Min} to {range.Max}."
            );
        }

        if (_call.HasInputShape(input, shape))
        {
            return;
        }

        if (!tensor.Admits(shape))
        {
            throw OnnxFailures.WrongShape(_engine.Name, tensor, shape);
        }

        _call.SetInputShape(input, shape);
        _isSpecialized = false;
        _isInferred = false;
    }

    public void Set(int input, ReadOnlySpan<long> values)
    {
        EngineTensor tensor = _engine.Inputs[input];
        if (!tensor.IsShapeTensor)
        {
            throw new ForwardException(FailureKind.Internal, $"The input '{tensor.Name}' of '{_engine.Name}' is not a shape tensor.");
        }

        if (RangeOf(input) is { } range && !range.AdmitsValues(values))
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The shape tensor '{tensor.Name}' of '{_engine.Name}' holds [{string.Join(',', values.ToArray())}]; optimization profile {Active} admits {range.Min} to {range.Max}."
            );
        }

        if (!values.SequenceEqual(_values[input]))
        {
            _values[input] = values.ToArray();
            _isInferred = false;
            _call.Invalidate();
        }
    }

    public void InferShapes(Span<TensorShape> outputs)
    {
        Infer();
        _call.OutputShapes.CopyTo(outputs);
    }

    public void Bind(DevicePointer address, long bytes)
    {
        RefuseUnaligned("workspace", address);
        if (bytes < Bytes)
        {
            throw new ForwardException(FailureKind.Internal, $"'{_engine.Name}' needs {Bytes} bytes of workspace and was given {bytes}.");
        }

        if (_launcher.Scratch.Start != address)
        {
            _call.Invalidate();
        }

        _launcher.Scratch = new DeviceAccess(address, (ulong)bytes, AccessKind.ReadWrite);
    }

    public void SetInputAddress(int input, DevicePointer address)
    {
        RefuseUnaligned(_engine.Inputs[input].Name, address);
        _call.SetInputAddress(input, address);
    }

    public void SetOutputAddress(int output, DevicePointer address)
    {
        RefuseUnaligned(_engine.Outputs[output].Name, address);
        _call.SetOutputAddress(output, address);
    }

    public void SetAllocator(int output, IOutputAllocator allocator) => _call.Allocators[output] = allocator;

    public void Enqueue(CuStream stream)
    {
        if (_engine.RequiresOutputAllocator && _call.Allocators.Contains(null))
        {
            throw new ForwardException(
                FailureKind.BackendFailed,
                $"'{_engine.Name}' requires an output allocator and was given an address."
            );
        }

        if (Bytes > 0 && _launcher.Scratch.ByteCount == 0)
        {
            throw new ForwardException(FailureKind.BackendFailed, $"'{_engine.Name}' has no workspace bound.");
        }

        if (!_isSpecialized)
        {
            _engine.Rtx?.Kernels?.Obtain(Active, _call.InputShapes);
            _isSpecialized = true;
        }

        Infer();
        _isInferred &= _runs.Enqueue(stream);
        if (StreamsWeights)
        {
            _engine.Home.Driver.StreamSynchronize(stream).ThrowIfFailed();
        }
    }

    public void GiveBackMemory() => _runs.GiveBackMemory();

    public void Dispose()
    {
        _runs.Dispose();
        _own?.Return(_own.Generation);
        _contexts.Remove();
    }

    /// <summary>What the active profile admits for an input; null where there is no profile.</summary>
    private ProfileRange? RangeOf(int input) => _engine.Profiles.Count > 0 ? _engine.Profiles[Active].Ranges[input] : null;

    /// <summary>Output shapes that rules tell, and of the others what the network tells.</summary>
    private void Infer()
    {
        if (_isInferred)
        {
            return;
        }

        if (_call.FirstWithoutShape is int input and >= 0)
        {
            throw OnnxFailures.NotInferable(_engine.Name, _engine.Inputs[input]);
        }

        _network.Shapes.Infer(_call.InputShapes, _call.OutputShapes);
        for (int output = 0; output < _call.OutputShapes.Length; output++)
        {
            if (_engine.Manifest.Shapes.TryGetValue(_engine.Outputs[output].Name, out IReadOnlyList<ShapeRule>? rules))
            {
                _call.OutputShapes[output] = ShapeRule.Apply(
                    rules,
                    _engine.Outputs[output].Name,
                    _engine.Inputs,
                    _call.InputShapes,
                    _values
                );
            }
        }

        _isInferred = _call.KnowsOutputShapes;
    }

    private void RefuseUnaligned(string what, DevicePointer address)
    {
        if (address.IsNull || address.Address % Alignment != 0)
        {
            throw new ForwardException(
                FailureKind.BackendFailed,
                $"The address of '{what}' of '{_engine.Name}' is 0x{address.Address:x}; it must be a multiple of {Alignment} and not null."
            );
        }
    }
}

using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>One call at a time of an ONNX engine: shapes and addresses set by the lane, buffers of its own per combination of input
/// shapes.</summary>
/// <remarks><b>Owns</b> its bindings. <b>Thread</b> the lane's holder. <b>Blocks</b> only where outputs are measured: their sizes are known
/// when the run is done.</remarks>
internal sealed class OnnxContext : IExecutionContext
{
    /// <summary>Combinations of input shapes whose buffers are kept.</summary>
    private const int MaxBindings = 8;

    private readonly OnnxEngine _engine;
    private readonly IManagedLauncher _launcher;
    private readonly FailureSlot _failure;
    private readonly RunOptions _options = new();
    private readonly TensorShape[] _inputShapes;
    private readonly TensorShape[] _outputShapes;
    private readonly bool[] _shaped;
    private readonly DevicePointer[] _inputs;
    private readonly DevicePointer[] _outputs;
    private readonly IOutputAllocator?[] _allocators;
    private readonly List<OnnxBinding> _bindings = [];
    private readonly OnnxMeasurement _measurement;
    private OnnxLaunch? _launch;
    private DevicePointer _scratch;
    private ulong _scratchBytes;
    private ILayerProfiler? _profiler;
    private IReadOnlyList<string> _layers = [];
    private bool _inferred;

    public OnnxContext(OnnxEngine engine, IManagedLauncher launcher, FailureSlot failure)
    {
        _engine = engine;
        _launcher = launcher;
        _failure = failure;
        _inputShapes = new TensorShape[engine.Inputs.Count];
        _shaped = new bool[engine.Inputs.Count];
        _inputs = new DevicePointer[engine.Inputs.Count];
        _outputShapes = new TensorShape[engine.Outputs.Count];
        _outputs = new DevicePointer[engine.Outputs.Count];
        _allocators = new IOutputAllocator?[engine.Outputs.Count];
        _measurement = new OnnxMeasurement(engine, _options, failure);
    }

    /// <summary>What a run takes on the virtual clock of the timed policy.</summary>
    public TimeSpan Duration { get; set; }

    /// <summary>Counts what was set differently and what ran plainly since the context was made: a recording of an earlier state is
    /// void.</summary>
    public long Version { get; private set; }

    public bool HasScratch => _scratchBytes > 0;

    public int ActiveProfile => 0;

    public long WorkspaceBytes => 0;

    /// <summary>False while an output is still to be measured.</summary>
    public bool CanCapture => Infer() && AllConcrete();

    public void SetProfile(int index, CuStream stream) => ArgumentOutOfRangeException.ThrowIfNotEqual(index, 0);

    public void SetInputShape(int input, in TensorShape shape)
    {
        if (_shaped[input] && _inputShapes[input] == shape)
        {
            return;
        }

        Check(_engine.Inputs[input], shape);
        Version++;
        _inputShapes[input] = shape;
        _shaped[input] = true;
        _inferred = false;
    }

    public void SetShapeValues(int input, ReadOnlySpan<long> values) =>
        throw new ForwardException(FailureKind.NotSupported, $"'{_engine.Name}' has no shape tensors.");

    public void InferShapes(Span<TensorShape> outputs)
    {
        Infer();
        _outputShapes.CopyTo(outputs);
    }

    public void SetWorkspace(DevicePointer address, long bytes)
    {
        // The session's scratch memory is on the host; there is nothing to share.
    }

    public void SetInputAddress(int input, DevicePointer address)
    {
        Version += _inputs[input] == address ? 0 : 1;
        _inputs[input] = address;
    }

    public void SetOutputAddress(int output, DevicePointer address)
    {
        Version += _outputs[output] == address ? 0 : 1;
        _outputs[output] = address;
        _allocators[output] = null;
    }

    public void SetOutputAllocator(int output, IOutputAllocator allocator) => _allocators[output] = allocator;

    /// <summary>Output shapes that somebody else knows (shape tensors, rules); they hold until an input shape changes.</summary>
    public void FixOutputShapes(ReadOnlySpan<TensorShape> shapes)
    {
        shapes.CopyTo(_outputShapes);
        _inferred = true;
    }

    /// <summary>Forgets every shape: another profile is active.</summary>
    public void Reset()
    {
        Array.Clear(_shaped);
        Touch();
    }

    /// <summary>Something that decides output shapes changed.</summary>
    public void Touch()
    {
        _inferred = false;
        Version++;
    }

    /// <summary>Device memory that a run scratches; nothing else may use it meanwhile.</summary>
    public void SetScratch(DevicePointer address, ulong bytes)
    {
        Version += _scratch == address ? 0 : 1;
        _scratch = address;
        _scratchBytes = bytes;
    }

    /// <summary>Reports the time of a run to <paramref name="profiler"/>, spread evenly over the layers.</summary>
    public void Profile(ILayerProfiler? profiler, IReadOnlyList<string> layers)
    {
        _profiler = profiler;
        _layers = layers;
    }

    public void SetProfiler(ILayerProfiler? profiler) =>
        throw new ForwardException(FailureKind.NotSupported, $"'{_engine.Name}' does not report the time of its layers.");

    public void Enqueue(CuStream stream)
    {
        Infer();
        if (AllConcrete())
        {
            EnqueueKnown(stream);
        }
        else
        {
            EnqueueMeasured(stream);
        }
    }

    /// <summary>A run took this long; on the driver's thread.</summary>
    public void Report(TimeSpan measured)
    {
        if (_profiler is { } profiler && _layers.Count > 0)
        {
            TimeSpan each = (Duration > TimeSpan.Zero ? Duration : measured) / _layers.Count;
            foreach (string layer in _layers)
            {
                profiler.Report(layer, each);
            }
        }
    }

    public bool IsProfiled => _profiler is not null;

    public void Dispose()
    {
        Version++;
        _measurement.Dispose();
        foreach (OnnxBinding binding in _bindings)
        {
            binding.Dispose();
        }

        _bindings.Clear();
        _options.Dispose();
    }

    /// <summary>All output shapes are known: one kernel, which a graph may record.</summary>
    private void EnqueueKnown(CuStream stream)
    {
        OnnxBinding binding = BindingFor(_outputShapes);
        for (int output = 0; output < _outputs.Length; output++)
        {
            if (_allocators[output] is { } allocator)
            {
                _outputs[output] = allocator.Reallocate(
                    output,
                    Math.Max(binding.Outputs[output].Bytes, 1),
                    (ulong)_engine.Outputs[output].Alignment,
                    stream
                );
                allocator.NotifyShape(output, _outputShapes[output]);
            }
        }

        OnnxLaunch launch = LaunchFor(stream);
        launch.Prepare(binding, _inputs, _outputs, new DeviceAccess(_scratch, _scratchBytes, AccessKind.ReadWrite));
        _launcher.LaunchManaged(stream, launch).ThrowIfFailed();
    }

    /// <summary>Some output shape becomes known by running: run, wait, take memory of the right size, deliver.</summary>
    private void EnqueueMeasured(CuStream stream)
    {
        _measurement.Prepare(BindingFor([]), _inputs);
        _launcher.LaunchManaged(stream, _measurement).ThrowIfFailed();
        _engine.Home.Driver.StreamSynchronize(stream).ThrowIfFailed();
        if (!_failure.IsEmpty)
        {
            return;
        }

        for (int output = 0; output < _outputs.Length; output++)
        {
            _outputShapes[output] = _measurement.ShapeOf(output);
            if (_allocators[output] is { } allocator)
            {
                _outputs[output] = allocator.Reallocate(
                    output,
                    Math.Max(_measurement.BytesOf(output), 1),
                    (ulong)_engine.Outputs[output].Alignment,
                    stream
                );
                allocator.NotifyShape(output, _outputShapes[output]);
            }
        }

        _engine.Shapes.Learn(_inputShapes, _outputShapes);
        _inferred = false;
        _launcher.LaunchManaged(stream, _measurement.Delivery(_outputs)).ThrowIfFailed();
    }

    private bool Infer()
    {
        if (_inferred)
        {
            return true;
        }

        for (int input = 0; input < _shaped.Length; input++)
        {
            if (!_shaped[input])
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The output shapes of '{_engine.Name}' cannot be inferred: its input '{_engine.Inputs[input].Name}' has no shape."
                );
            }
        }

        // What is still open may be learned by another lane's run meanwhile, so it is asked again.
        _engine.Shapes.Infer(_inputShapes, _outputShapes);
        _inferred = AllConcrete();
        return true;
    }

    private bool AllConcrete()
    {
        foreach (ref readonly TensorShape shape in _outputShapes.AsSpan())
        {
            if (!shape.IsConcrete)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>A recorded launch keeps its object for ever, so a recording gets one of its own.</summary>
    private OnnxLaunch LaunchFor(CuStream stream)
    {
        _engine.Home.Driver.StreamGetCaptureInfo(stream, out CuStreamCaptureStatus status, out _).ThrowIfFailed();
        if (status != CuStreamCaptureStatus.None)
        {
            return new OnnxLaunch(_engine, this, _options, _failure) { Recorded = Version };
        }

        // A plain run after a recording uses the scratch and buffers the recording relies on.
        Version++;
        return _launch ??= new OnnxLaunch(_engine, this, _options, _failure);
    }

    /// <param name="outputShapes">Empty where outputs are measured.</param>
    private OnnxBinding BindingFor(ReadOnlySpan<TensorShape> outputShapes)
    {
        for (int index = _bindings.Count - 1; index >= 0; index--)
        {
            OnnxBinding known = _bindings[index];
            if (known.Fits(_inputShapes, outputShapes))
            {
                // Last used stands last.
                if (index != _bindings.Count - 1)
                {
                    _bindings.RemoveAt(index);
                    _bindings.Add(known);
                }

                return known;
            }
        }

        if (_bindings.Count == MaxBindings)
        {
            _bindings[0].Dispose();
            _bindings.RemoveAt(0);
        }

        var made = new OnnxBinding(_engine, _inputShapes, outputShapes);
        _bindings.Add(made);
        return made;
    }

    private void Check(EngineTensor input, in TensorShape shape)
    {
        bool fits = shape.Rank == input.Shape.Rank;
        for (int axis = 0; fits && axis < shape.Rank; axis++)
        {
            fits = input.Shape[axis] < 0 || input.Shape[axis] == shape[axis];
        }

        if (!fits)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{input.Name}' of '{_engine.Name}' has the shape {shape}; it must be {input.Shape}, where -1 is free."
            );
        }
    }
}

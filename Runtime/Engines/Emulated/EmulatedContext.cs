using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>An execution context that holds its caller to TensorRT's rules: shapes inside the active profile, aligned addresses, scratch
/// memory, allocators where they are required.</summary>
/// <remarks><b>Owns</b> the ONNX context and, under the static strategy, its scratch memory. <b>Thread</b> the lane's holder. <b>Blocks</b>
/// in an enqueue while weights are streamed.</remarks>
internal sealed class EmulatedContext : IExecutionContext
{
    private const ulong Alignment = 256;

    private readonly EmulatedEngine _engine;
    private readonly OnnxContext _network;
    private readonly TensorShape[] _inputShapes;
    private readonly TensorShape[] _outputShapes;
    private readonly long[][] _values;
    private readonly bool[] _allocated;
    private readonly WorkspaceStrategy _strategy;
    private DevicePointer _own;
    private bool _isSpecialized;

    public EmulatedContext(EmulatedEngine engine, OnnxContext network, FailureSlot failure, WorkspaceStrategy strategy)
    {
        _engine = engine;
        _network = network;
        _strategy = strategy;
        _inputShapes = new TensorShape[engine.Inputs.Count];
        _outputShapes = new TensorShape[engine.Outputs.Count];
        _values = [.. engine.Inputs.Select(_ => Array.Empty<long>())];
        _allocated = new bool[engine.Outputs.Count];
        network.Duration = engine.Manifest.Duration;
        if (strategy == WorkspaceStrategy.Static && engine.Manifest.WorkspaceBytes > 0)
        {
            CuResult status = engine.Home.Driver.MemAlloc(out _own, (ulong)engine.Manifest.WorkspaceBytes);
            if (status != CuResult.Success)
            {
                network.Dispose();
                OnnxFailures.ThrowIfOutOfMemory(status, engine.Name, (ulong)engine.Manifest.WorkspaceBytes);
                status.ThrowIfFailed();
            }

            network.SetScratch(_own, (ulong)engine.Manifest.WorkspaceBytes);
        }
    }

    public int ActiveProfile { get; private set; }

    public long WorkspaceBytes => _strategy == WorkspaceStrategy.Dynamic ? _engine.Manifest.WorkspaceBytes : 0;

    /// <summary>False while weights are streamed (TensorRT then synchronizes inside the enqueue), and while kernels for free dimensions are
    /// still specialized lazily (TensorRT-RTX).</summary>
    public bool CanCapture => !IsStreaming && !_engine.RequiresOutputAllocator && !_engine.SpecializesLater && _network.CanCapture;

    private bool IsStreaming => _engine.WeightBudget < _engine.StreamableWeightBytes;

    public void SetProfile(int index, CuStream stream)
    {
        ActiveProfile =
            (uint)index < (uint)Math.Max(1, _engine.Profiles.Count) ? index : throw ProfileSpec.OutOfRange(index, _engine.Profiles.Count);
        _isSpecialized = false;
        _network.Reset();
    }

    public void SetInputShape(int input, in TensorShape shape)
    {
        if (
            _engine.Profiles.Count > 0
            && !_engine.Inputs[input].IsShapeTensor
            && !_engine.Profiles[ActiveProfile].Ranges[input].Admits(shape)
        )
        {
            ProfileRange range = _engine.Profiles[ActiveProfile].Ranges[input];
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{_engine.Inputs[input].Name}' of '{_engine.Name}' has the shape {shape}; optimization profile {ActiveProfile} admits {range.Min} to {range.Max}."
            );
        }

        _isSpecialized &= _inputShapes[input] == shape;
        _inputShapes[input] = shape;
        _network.SetInputShape(input, shape);
    }

    public void SetShapeValues(int input, ReadOnlySpan<long> values)
    {
        if (!_engine.Inputs[input].IsShapeTensor)
        {
            throw new ForwardException(
                FailureKind.Internal,
                $"The input '{_engine.Inputs[input].Name}' of '{_engine.Name}' is not a shape tensor."
            );
        }

        if (_engine.Profiles.Count > 0 && !_engine.Profiles[ActiveProfile].Ranges[input].AdmitsValues(values))
        {
            ProfileRange range = _engine.Profiles[ActiveProfile].Ranges[input];
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The shape tensor '{_engine.Inputs[input].Name}' of '{_engine.Name}' holds {new TensorShape(values)}; optimization profile {ActiveProfile} admits {range.Min} to {range.Max}."
            );
        }

        if (!values.SequenceEqual(_values[input]))
        {
            _values[input] = values.ToArray();
            _network.Touch();
        }
    }

    public void InferShapes(Span<TensorShape> outputs)
    {
        _network.InferShapes(_outputShapes);
        for (int output = 0; output < _outputShapes.Length; output++)
        {
            if (_engine.Manifest.Shapes.TryGetValue(_engine.Outputs[output].Name, out IReadOnlyList<ShapeRule>? rules))
            {
                _outputShapes[output] = new TensorShape([.. rules.Select(rule => rule.Apply(_engine.Inputs, _inputShapes, _values))]);
            }
        }

        if (_engine.Manifest.Shapes.Count > 0)
        {
            _network.FixOutputShapes(_outputShapes);
        }

        _outputShapes.CopyTo(outputs);
    }

    public void SetWorkspace(DevicePointer address, long bytes)
    {
        RefuseUnaligned("workspace", address);
        if (bytes < _engine.Manifest.WorkspaceBytes)
        {
            throw new ForwardException(
                FailureKind.Internal,
                $"'{_engine.Name}' needs {_engine.Manifest.WorkspaceBytes} bytes of workspace and was given {bytes}."
            );
        }

        _network.SetScratch(address, (ulong)bytes);
    }

    public void SetInputAddress(int input, DevicePointer address)
    {
        RefuseUnaligned(_engine.Inputs[input].Name, address);
        _network.SetInputAddress(input, address);
    }

    public void SetOutputAddress(int output, DevicePointer address)
    {
        RefuseUnaligned(_engine.Outputs[output].Name, address);
        _allocated[output] = false;
        _network.SetOutputAddress(output, address);
    }

    public void SetOutputAllocator(int output, IOutputAllocator allocator)
    {
        _allocated[output] = true;
        _network.SetOutputAllocator(output, allocator);
    }

    public void Enqueue(CuStream stream)
    {
        if (_engine.RequiresOutputAllocator && _allocated.Contains(false))
        {
            throw new ForwardException(
                FailureKind.BackendFailed,
                $"'{_engine.Name}' requires an output allocator and was given an address."
            );
        }

        if (_strategy == WorkspaceStrategy.Dynamic && _engine.Manifest.WorkspaceBytes > 0 && !_network.HasScratch)
        {
            throw new ForwardException(FailureKind.BackendFailed, $"'{_engine.Name}' has no workspace bound.");
        }

        if (!_isSpecialized)
        {
            _engine.Kernels?.Obtain(ActiveProfile, _inputShapes);
            _isSpecialized = true;
        }

        _network.Enqueue(stream);
        if (IsStreaming)
        {
            _engine.Home.Driver.StreamSynchronize(stream).ThrowIfFailed();
        }
    }

    public void SetProfiler(ILayerProfiler? profiler) => _network.Profile(profiler, _engine.Layers);

    public void Dispose()
    {
        _network.Dispose();
        if (!_own.IsNull)
        {
            _engine.Home.Driver.MemFree(_own);
            _own = default;
        }

        _engine.Forget();
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

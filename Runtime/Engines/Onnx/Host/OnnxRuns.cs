using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Puts runs of a network on streams as its call says, with buffers of its own per combination of input shapes.</summary>
/// <remarks><b>Owns</b> its bindings. <b>Thread</b> the lane's holder. <b>Blocks</b> only where outputs are measured.</remarks>
internal sealed class OnnxRuns : IDisposable
{
    /// <summary>Combinations of input shapes whose buffers are kept.</summary>
    private const int MaxBindings = 8;

    /// <summary>Together they take this part of the device at most, but for those of the run under way: while a lane is at work nobody can
    /// ask it for them.</summary>
    private const ulong PartOfDevice = 16;

    private readonly OnnxNetwork _network;
    private readonly OnnxCall _call;
    private readonly IManagedLauncher _launcher;
    private readonly FailureSlot _failure;
    private readonly RunOptions _options = new();
    private readonly List<OnnxBinding> _bindings = [];
    private readonly OnnxMeasurement _measurement;
    private OnnxLaunch? _launch;

    /// <param name="launcher">Whereby kernels enter a stream: the driver, or one who stands before it.</param>
    public OnnxRuns(OnnxNetwork network, OnnxCall call, IManagedLauncher launcher, FailureSlot failure)
    {
        _network = network;
        _call = call;
        _launcher = launcher;
        _failure = failure;
        _measurement = new OnnxMeasurement(network, call, _options, failure);
    }

    /// <summary>Enqueues one run.</summary>
    /// <returns>False where outputs were measured: their shapes hold for this run alone.</returns>
    public bool Enqueue(CuStream stream)
    {
        if (_call.KnowsOutputShapes)
        {
            EnqueueKnown(stream);
            return true;
        }

        EnqueueMeasured(stream);
        return false;
    }

    public void Dispose()
    {
        _call.Invalidate();
        _measurement.Dispose();
        GiveBackMemory();
        _options.Dispose();
    }

    /// <summary>Gives the buffers back; no run is in flight.</summary>
    public void GiveBackMemory()
    {
        while (_bindings.Count > 0)
        {
            DropOldest();
        }
    }

    /// <summary>All output shapes are known: one kernel, which a graph may record.</summary>
    private void EnqueueKnown(CuStream stream)
    {
        OnnxBinding binding = BindingFor(_call.OutputShapes);
        for (int output = 0; output < _call.Outputs.Length; output++)
        {
            Allocate(output, binding.Outputs[output].Bytes, stream);
        }

        OnnxLaunch launch = LaunchFor(stream);
        launch.Prepare(binding, _call.Inputs, _call.Outputs);
        _launcher.LaunchManaged(stream, launch).ThrowIfFailed();
    }

    /// <summary>Some output shape becomes known by running: run, wait, take memory of the right size, deliver.</summary>
    private void EnqueueMeasured(CuStream stream)
    {
        _measurement.Prepare(BindingFor([]), _call.Inputs);
        _launcher.LaunchManaged(stream, _measurement).ThrowIfFailed();
        _network.Home.Driver.StreamSynchronize(stream).ThrowIfFailed();
        bool isDelivered = false;
        try
        {
            if (_failure.IsEmpty && FitsAddresses())
            {
                Deliver(stream);
                isDelivered = true;
            }
        }
        finally
        {
            if (!isDelivered)
            {
                _measurement.Forget();
            }
        }
    }

    private void Deliver(CuStream stream)
    {
        for (int output = 0; output < _call.Outputs.Length; output++)
        {
            _call.OutputShapes[output] = _measurement.ShapeOf(output);
            if (_network.Outputs[output].Type == ElementType.Bytes)
            {
                long most = _call.MostStringBytes[output];
                _call.OutputStrings[output] = most < 0 ? default(ReadOnlyMemory<byte>) : _measurement.StringsOf(output, most);
                _call.Allocators[output]?.NotifyShape(output, _call.OutputShapes[output]);
                continue;
            }

            Allocate(output, _measurement.BytesOf(output), stream);
        }

        _network.Shapes.Learn(_call.InputShapes, _call.OutputShapes);
        _launcher.LaunchManaged(stream, _measurement.Delivery(_call.Outputs)).ThrowIfFailed();
    }

    /// <summary>Whether outputs that had a shape before the run, and with it an address, have that shape.</summary>
    private bool FitsAddresses()
    {
        for (int output = 0; output < _call.Outputs.Length; output++)
        {
            if (_call.OutputShapes[output].IsConcrete && _call.OutputShapes[output] != _measurement.ShapeOf(output))
            {
                TensorShape[] measured = [.. _call.Outputs.Select((_, index) => _measurement.ShapeOf(index))];
                _network.Shapes.Contradict(_call.InputShapes, measured);
                OnnxFailures.ReportContradiction(_failure, _network, _call.OutputShapes, measured);
                return false;
            }
        }

        return true;
    }

    /// <summary>Memory for an output that has an allocator, which is told the shape.</summary>
    private void Allocate(int output, ulong bytes, CuStream stream)
    {
        if (_call.Allocators[output] is { } allocator)
        {
            ulong alignment = (ulong)_network.Outputs[output].Alignment;
            _call.Outputs[output] = allocator.Reallocate(output, Math.Max(bytes, 1), alignment, stream);
            allocator.NotifyShape(output, _call.OutputShapes[output]);
        }
    }

    /// <summary>A recorded launch keeps its object for ever, so a recording gets one of its own.</summary>
    private OnnxLaunch LaunchFor(CuStream stream)
    {
        _network.Home.Driver.StreamGetCaptureInfo(stream, out CuStreamCaptureStatus status, out _).ThrowIfFailed();
        if (status != CuStreamCaptureStatus.None)
        {
            return new OnnxLaunch(_network, _call, _options, _failure) { RecordedVersion = _call.Version };
        }

        // A plain run after a recording uses the buffers the recording relies on.
        _call.Invalidate();
        return _launch ??= new OnnxLaunch(_network, _call, _options, _failure);
    }

    /// <param name="outputShapes">Empty where outputs are measured.</param>
    private OnnxBinding BindingFor(ReadOnlySpan<TensorShape> outputShapes)
    {
        for (int index = _bindings.Count - 1; index >= 0; index--)
        {
            OnnxBinding known = _bindings[index];
            if (known.Fits(_call.InputShapes, outputShapes))
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

        ulong most = _network.Home.Memory.Budget / PartOfDevice;
        while (_bindings.Count == MaxBindings || (_bindings.Count > 0 && Bytes > most))
        {
            DropOldest();
        }

        while (true)
        {
            try
            {
                var made = new OnnxBinding(_network, _call.InputShapes, outputShapes);
                _bindings.Add(made);
                return made;
            }
            catch (ForwardException full) when (full.Kind == FailureKind.OutOfDeviceMemory && _bindings.Count > 0)
            {
                // Buffers of former shapes, whose runs are over, make way for those of this one.
                DropOldest();
            }
        }
    }

    private ulong Bytes
    {
        get
        {
            ulong bytes = 0;
            foreach (OnnxBinding binding in _bindings)
            {
                bytes += binding.Bytes;
            }

            return bytes;
        }
    }

    private void DropOldest()
    {
        _bindings[0].Dispose();
        _bindings.RemoveAt(0);
    }
}

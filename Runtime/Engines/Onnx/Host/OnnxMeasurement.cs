using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>A run whose outputs ONNX Runtime allocates, because their sizes are not known before; a second kernel delivers them.</summary>
/// <remarks><b>Owns</b> the measured values until they are delivered. <b>Thread</b> runs on the driver's, is read by the lane's holder
/// after it waited.</remarks>
internal sealed class OnnxMeasurement(OnnxNetwork network, OnnxCall call, RunOptions options, FailureSlot failure)
    : ManagedKernel,
        IDisposable
{
    private readonly DevicePointer[] _inputs = new DevicePointer[network.Inputs.Count];
    private readonly DeviceAccess[] _accesses = new DeviceAccess[network.Inputs.Count + 1];
    private readonly OnnxDelivery _delivery = new(network.Name, network.Outputs.Count);
    private OnnxBinding _binding = null!;
    private IDisposableReadOnlyCollection<OrtValue>? _values;

    public override string Name => network.Name;

    public override ReadOnlySpan<DeviceAccess> Accesses => _accesses;

    public void Prepare(OnnxBinding binding, ReadOnlySpan<DevicePointer> inputs)
    {
        _binding = binding;
        inputs.CopyTo(_inputs);
        for (int index = 0; index < inputs.Length; index++)
        {
            _accesses[index] = new DeviceAccess(inputs[index], binding.Inputs[index].Bytes, AccessKind.Read);
        }

        _accesses[^1] = new DeviceAccess(binding.Memory, binding.Bytes, AccessKind.ReadWrite);
    }

    public override unsafe CuResult Run(IEmulatedMemory memory)
    {
        _values?.Dispose();
        _values = null;
        if (!failure.IsEmpty)
        {
            return CuResult.Success;
        }

        byte* buffers = memory.Resolve(_binding.Memory, _binding.Bytes);
        OnnxLaunch.CopyIn(memory, buffers, _binding.Inputs, _inputs);
        OrtValue?[] inputs = _binding.BindInputs(buffers);
        _values = network.HasStrings ? Run(network, failure, () => RunWithStrings(inputs)) : Run(network, options, inputs!, failure);
        return CuResult.Success;
    }

    /// <summary>Strings become values for this run alone.</summary>
    private IDisposableReadOnlyCollection<OrtValue> RunWithStrings(OrtValue?[] bound)
    {
        var inputs = new OrtValue[bound.Length];
        try
        {
            for (int input = 0; input < inputs.Length; input++)
            {
                inputs[input] =
                    bound[input] ?? OnnxStrings.ToValue(call.InputStrings[input].Span, _binding.InputShapes[input], network.Arena);
            }

            return network.Session.Run(options, network.InputNames, inputs, network.OutputNames);
        }
        finally
        {
            for (int input = 0; input < inputs.Length; input++)
            {
                if (bound[input] is null)
                {
                    inputs[input]?.Dispose();
                }
            }
        }
    }

    /// <summary>Runs a network with outputs that ONNX Runtime allocates; null where it failed, and said so.</summary>
    public static IDisposableReadOnlyCollection<OrtValue>? Run(
        OnnxNetwork network,
        RunOptions options,
        OrtValue[] inputs,
        FailureSlot failure
    ) => Run(network, failure, () => network.Session.Run(options, network.InputNames, inputs, network.OutputNames));

    private static IDisposableReadOnlyCollection<OrtValue>? Run(
        OnnxNetwork network,
        FailureSlot failure,
        Func<IDisposableReadOnlyCollection<OrtValue>> run
    )
    {
        IDisposableReadOnlyCollection<OrtValue> values;
        try
        {
            values = Run(network, run);
        }
        catch (Exception trouble) when (OnnxFailures.IsOfRun(trouble))
        {
            OnnxFailures.Report(failure, network, trouble);
            return null;
        }

        for (int output = 0; output < values.Count; output++)
        {
            long[] dimensions = values[output].GetTensorTypeAndShape().Shape;
            if (Obstacle(network.Outputs[output].Type, dimensions) is { } obstacle)
            {
                values.Dispose();
                OnnxFailures.ReportUnfit(failure, network.Name, network.OutputNames[output], obstacle);
                return null;
            }
        }

        return values;
    }

    /// <summary>Where others had filled the arena and it could be shrunk, a run is tried once more.</summary>
    private static IDisposableReadOnlyCollection<OrtValue> Run(OnnxNetwork network, Func<IDisposableReadOnlyCollection<OrtValue>> run)
    {
        try
        {
            return run();
        }
        catch (Exception trouble) when (OnnxFailures.IsOutOfMemory(trouble) && network.Arena.TryShrink())
        {
            return run();
        }
        finally
        {
            network.Arena.Ran();
        }
    }

    public static TensorShape ShapeOf(OrtValue value) => new(value.GetTensorTypeAndShape().Shape);

    public TensorShape ShapeOf(int output) => ShapeOf(Measured(output));

    /// <summary>What an output takes on the device: nothing for strings.</summary>
    public ulong BytesOf(int output) =>
        network.Outputs[output].Type is var type and not ElementType.Bytes ? (ulong)type.ByteCount(ShapeOf(output).ElementCount) : 0;

    /// <summary>The strings of an output of type BYTES.</summary>
    /// <inheritdoc cref="OnnxStrings.ToBytes" path="/exception"/>
    public byte[] StringsOf(int output, long most) => OnnxStrings.ToBytes(Measured(output), network.OutputNames[output], most);

    /// <summary>The kernel that copies the measured values to these addresses, and then lets them go.</summary>
    public ManagedKernel Delivery(ReadOnlySpan<DevicePointer> outputs)
    {
        for (int output = 0; output < outputs.Length; output++)
        {
            _delivery.Prepare(output, Measured(output), outputs[output], BytesOf(output));
        }

        _delivery.Own(_values!);
        _values = null;
        return _delivery;
    }

    /// <summary>Lets the measured values go: nobody takes delivery of them, and no kernel of this is in flight.</summary>
    public void Forget()
    {
        _values?.Dispose();
        _values = null;
        _delivery.Dispose();
    }

    public void Dispose() => Forget();

    /// <summary>Why a tensor of these dimensions is not handed on; null where it is.</summary>
    private static string? Obstacle(ElementType type, long[] dimensions) =>
        dimensions.Length > TensorShape.MaxRank ? $"has rank {dimensions.Length}; at most {TensorShape.MaxRank} is possible"
        : !Fits(type, new TensorShape(dimensions))
            ? $"has the shape [{string.Join(',', dimensions)}]; one whose size only the run tells has at most {Array.MaxLength} bytes"
        : null;

    private static bool Fits(ElementType type, in TensorShape shape) =>
        type == ElementType.Bytes
            ? shape.TryGetElementCount(out long strings) && strings <= Array.MaxLength / BytesElements.PrefixBytes
            : type.TryGetByteCount(shape, out long bytes) && bytes <= Array.MaxLength;

    private OrtValue Measured(int output) =>
        (_values ?? throw new InvalidOperationException($"'{network.Name}' has not been measured."))[output];
}

using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>A run of a network as a kernel: copies inputs into the binding's buffers, runs the binding over them, copies outputs
/// out.</summary>
/// <remarks>Prepared and enqueued again and again outside graphs; inside a graph prepared once. <b>Thread</b> the driver's. <b>Blocks</b>
/// for the computation.</remarks>
internal sealed class OnnxLaunch(OnnxNetwork network, OnnxCall call, RunOptions options, FailureSlot failure) : ManagedKernel
{
    private readonly DevicePointer[] _inputs = new DevicePointer[network.Inputs.Count];
    private readonly DevicePointer[] _outputs = new DevicePointer[network.Outputs.Count];
    private readonly DeviceAccess[] _accesses = new DeviceAccess[network.Inputs.Count + network.Outputs.Count + 1];
    private OnnxBinding _binding = null!;

    /// <summary>Version of the call this was recorded at; null for a plain launch.</summary>
    public long? RecordedVersion { get; init; }

    public override string Name => network.Name;

    public override ReadOnlySpan<DeviceAccess> Accesses => _accesses;

    public void Prepare(OnnxBinding binding, ReadOnlySpan<DevicePointer> inputs, ReadOnlySpan<DevicePointer> outputs)
    {
        _binding = binding;
        inputs.CopyTo(_inputs);
        outputs.CopyTo(_outputs);
        int next = 0;
        for (int index = 0; index < inputs.Length; index++)
        {
            _accesses[next++] = new DeviceAccess(inputs[index], binding.Inputs[index].Bytes, AccessKind.Read);
        }

        for (int index = 0; index < outputs.Length; index++)
        {
            _accesses[next++] = new DeviceAccess(outputs[index], binding.Outputs[index].Bytes, AccessKind.Write);
        }

        _accesses[next] = new DeviceAccess(binding.Memory, binding.Bytes, AccessKind.ReadWrite);
    }

    public override unsafe CuResult Run(IEmulatedMemory memory)
    {
        // An earlier segment of this forward failed: its outputs are no input to compute on.
        if (!failure.IsEmpty)
        {
            return CuResult.Success;
        }

        if (RecordedVersion is { } version && version != call.Version)
        {
            failure.Fail(
                FailureKind.BackendFailed,
                $"A graph was replayed after the execution context of '{network.Name}' that it records was reconfigured or disposed."
            );
            return CuResult.Success;
        }

        byte* buffers = memory.Resolve(_binding.Memory, _binding.Bytes);
        CopyIn(memory, buffers, _binding.Inputs, _inputs);
        try
        {
            network.Session.RunWithBinding(options, _binding.Bind(buffers));
            network.Arena.Ran();
        }
        catch (Exception trouble) when (OnnxFailures.IsOfRun(trouble))
        {
            RunMeasured(memory, buffers);
            return CuResult.Success;
        }

        ReadOnlySpan<OnnxTensorSlot> outputs = _binding.Outputs;
        for (int index = 0; index < outputs.Length; index++)
        {
            CopyOut(memory, index, buffers + outputs[index].Offset);
        }

        return CuResult.Success;
    }

    /// <summary>The run was refused. Once more with outputs of whatever size they get, on the inputs as they were: what fails again has
    /// failed, and what succeeds tells the shapes.</summary>
    private unsafe void RunMeasured(IEmulatedMemory memory, byte* buffers)
    {
        using IDisposableReadOnlyCollection<OrtValue>? values = OnnxMeasurement.Run(
            network,
            options,
            _binding.BindInputs(buffers)!,
            failure
        );
        if (values is null)
        {
            return;
        }

        TensorShape[] shapes = [.. values.Select(OnnxMeasurement.ShapeOf)];
        if (!_binding.OutputShapes.SequenceEqual(shapes))
        {
            network.Shapes.Contradict(_binding.InputShapes, shapes);
            OnnxFailures.ReportContradiction(failure, network, _binding.OutputShapes, shapes);
            return;
        }

        for (int index = 0; index < values.Count; index++)
        {
            // SAFETY: the value has the shape and type of the output, and so its size.
            fixed (byte* source = values[index].GetTensorMutableRawData())
            {
                CopyOut(memory, index, source);
            }
        }
    }

    private unsafe void CopyOut(IEmulatedMemory memory, int output, byte* source)
    {
        ulong bytes = _binding.Outputs[output].Bytes;
        if (bytes > 0)
        {
            // SAFETY: the source holds the output's bytes, the target was resolved for exactly these.
            Buffer.MemoryCopy(source, memory.Resolve(_outputs[output], bytes), bytes, bytes);
        }
    }

    /// <summary>Copies a launch's inputs into the buffers of a binding.</summary>
    public static unsafe void CopyIn(
        IEmulatedMemory memory,
        byte* buffers,
        ReadOnlySpan<OnnxTensorSlot> slots,
        ReadOnlySpan<DevicePointer> inputs
    )
    {
        for (int index = 0; index < slots.Length; index++)
        {
            ulong bytes = slots[index].Bytes;
            if (bytes > 0)
            {
                // SAFETY: the target lies in the binding's buffers, the source was resolved for exactly these bytes.
                Buffer.MemoryCopy(memory.Resolve(inputs[index], bytes), buffers + slots[index].Offset, bytes, bytes);
            }
        }
    }
}

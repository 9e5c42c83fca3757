using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Device buffers for one combination of input shapes, with an ONNX Runtime binding over them that is made once and run many
/// times.</summary>
/// <remarks>
/// Buffers are the context's own, so that their host addresses never change: a run copies its inputs in and its outputs out, and allocates
/// nothing.
/// <b>Owns</b> one device block and the binding. <b>Thread</b> made and disposed by the lane's holder; the binding itself is made by
/// the first run.
/// </remarks>
internal sealed class OnnxBinding : IDisposable
{
    private const ulong Alignment = 256;

    private readonly OnnxNetwork _network;
    private readonly OnnxTensorSlot[] _slots;
    private readonly TensorShape[] _inputShapes;
    private readonly TensorShape[] _outputShapes;
    private readonly DeviceBlock _block;
    private readonly int _generation;
    private OrtIoBinding? _binding;
    private OrtValue?[] _values = [];

    /// <param name="outputShapes">Concrete shapes, or empty where outputs are measured by the run: then buffers hold the inputs
    /// only.</param>
    public OnnxBinding(OnnxNetwork network, ReadOnlySpan<TensorShape> inputShapes, ReadOnlySpan<TensorShape> outputShapes)
    {
        _network = network;
        _inputShapes = inputShapes.ToArray();
        _outputShapes = outputShapes.ToArray();
        _slots = new OnnxTensorSlot[inputShapes.Length + outputShapes.Length];
        ulong size = 0;
        for (int index = 0; index < _slots.Length; index++)
        {
            bool input = index < inputShapes.Length;
            TensorShape shape = input ? inputShapes[index] : outputShapes[index - inputShapes.Length];
            ElementType type = (input ? network.Inputs[index] : network.Outputs[index - inputShapes.Length]).Type;
            if (!input && network.InputOf(index - inputShapes.Length) is { } given)
            {
                // ONNX Runtime hands the input on and leaves memory that is bound for such an output as it was.
                _slots[index] = _slots[given];
                continue;
            }

            // Strings have no buffer: each run makes values of its own.
            ulong bytes = type == ElementType.Bytes ? 0 : (ulong)type.ByteCount(shape.ElementCount);
            _slots[index] = new OnnxTensorSlot(type, shape, size, bytes);
            size += ByteAlignment.Up(Math.Max(_slots[index].Bytes, 1), Alignment);
        }

        Bytes = Math.Max(size, 1);
        _block = network.Home.Memory.Reserve(Bytes, OnnxFailures.BuffersOf(network.Name));
        _generation = _block.Generation;
    }

    public DevicePointer Memory => _block.Pointer;

    public ulong Bytes { get; }

    public ReadOnlySpan<TensorShape> InputShapes => _inputShapes;

    /// <summary>What the outputs' buffers were made for.</summary>
    public ReadOnlySpan<TensorShape> OutputShapes => _outputShapes;

    public ReadOnlySpan<OnnxTensorSlot> Inputs => _slots.AsSpan(0, _inputShapes.Length);

    public ReadOnlySpan<OnnxTensorSlot> Outputs => _slots.AsSpan(_inputShapes.Length);

    public bool Fits(ReadOnlySpan<TensorShape> inputShapes, ReadOnlySpan<TensorShape> outputShapes) =>
        inputShapes.SequenceEqual(_inputShapes) && outputShapes.SequenceEqual(_outputShapes);

    /// <summary>The binding over the buffers, whose host address is known only while work runs.</summary>
    public unsafe OrtIoBinding Bind(byte* memory)
    {
        if (_binding is null)
        {
            OrtIoBinding binding = _network.Session.CreateIoBinding();
            MakeValues(memory);
            for (int index = 0; index < _values.Length; index++)
            {
                if (index < _inputShapes.Length)
                {
                    binding.BindInput(_network.InputNames[index], _values[index]!);
                }
                else
                {
                    binding.BindOutput(_network.OutputNames[index - _inputShapes.Length], _values[index]!);
                }
            }

            _binding = binding;
        }

        return _binding;
    }

    /// <summary>The inputs as ONNX Runtime's values, for a run that measures its outputs; null for strings, which the run has to
    /// bring.</summary>
    public unsafe OrtValue?[] BindInputs(byte* memory)
    {
        if (_values.Length == 0)
        {
            MakeValues(memory);
        }

        return _outputShapes.Length == 0 ? _values : _values[.._inputShapes.Length];
    }

    public void Dispose()
    {
        _binding?.Dispose();
        foreach (OrtValue? value in _values)
        {
            value?.Dispose();
        }

        _block.Return(_generation);
    }

    private unsafe void MakeValues(byte* memory)
    {
        var values = new OrtValue?[_slots.Length];
        for (int index = 0; index < values.Length; index++)
        {
            OnnxTensorSlot slot = _slots[index];
            if (slot.Type == ElementType.Bytes)
            {
                continue;
            }

            values[index] = OrtValue.CreateTensorValueWithData(
                OrtMemoryInfo.DefaultInstance,
                OnnxElementTypes.ToOnnx(slot.Type),
                slot.Shape.Span.ToArray(),
                (nint)(memory + slot.Offset),
                (long)slot.Bytes
            );
        }

        _values = values;
    }
}

using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Tensors;

namespace Troupe.Benchmarks.Ladder;

/// <summary>ONNX Runtime alone: intra-op 1, spinning off, bound once.</summary>
internal sealed class RawRung : IDisposable
{
    private readonly SessionOptions _settings = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
    private readonly InferenceSession _session;
    private readonly RunOptions _options = new();
    private readonly OrtIoBinding _binding;
    private readonly OrtValue _input;
    private readonly OrtValue _output;

    public RawRung(LadderModel model)
    {
        _settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        _session = new InferenceSession(model.Path, _settings);
        _binding = _session.CreateIoBinding();
        Tensor input = model.Input;
        float[] values = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(input.Data.Span).ToArray();
        _input = OrtValue.CreateTensorValueFromMemory(values, input.Shape.Span.ToArray());
        _output = OrtValue.CreateTensorValueFromMemory(new float[new TensorShape(model.OutputShape).ElementCount], model.OutputShape);
        _binding.BindInput(input.Name, _input);
        _binding.BindOutput(model.Output, _output);
    }

    public void Run() => _session.RunWithBinding(_options, _binding);

    public void Dispose()
    {
        _binding.Dispose();
        _input.Dispose();
        _output.Dispose();
        _options.Dispose();
        _session.Dispose();
        _settings.Dispose();
    }
}

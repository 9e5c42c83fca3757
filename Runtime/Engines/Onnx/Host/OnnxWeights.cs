using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>The device memory a model's weights are charged for: ONNX Runtime keeps them on the host, an emulated device must be as full as
/// a real one.</summary>
/// <remarks><b>Owns</b> one device block. <b>Thread</b> the loader's, device context current.</remarks>
internal sealed class OnnxWeights : IDisposable
{
    private readonly DeviceBlock _block;
    private readonly int _generation;

    private OnnxWeights(DeviceBlock block)
    {
        _block = block;
        _generation = block.Generation;
    }

    /// <exception cref="ModuleLoadException">They do not fit the device.</exception>
    public static OnnxWeights Charge(EngineSource source, OnnxGraph graph, EngineHome home)
    {
        try
        {
            ulong bytes = (ulong)Math.Max(1, graph.WeightBytes);
            return new OnnxWeights(home.Memory.Reserve(bytes, $"The weights of '{source.Path}'", isWhole: true));
        }
        catch (ForwardException full)
        {
            throw new ModuleLoadException(full.Kind, full.Message, full);
        }
    }

    public void Dispose() => _block.Return(_generation);
}

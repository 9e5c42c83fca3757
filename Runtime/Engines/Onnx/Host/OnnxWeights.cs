using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>The device memory a model's weights are charged for: ONNX Runtime keeps them on the host, an emulated device must be as full as
/// a real one.</summary>
/// <remarks><b>Owns</b> one device allocation. <b>Thread</b> the loader's, device context current.</remarks>
internal sealed class OnnxWeights : IDisposable
{
    private readonly EngineHome _home;
    private DevicePointer _memory;

    private OnnxWeights(EngineHome home, DevicePointer memory)
    {
        _home = home;
        _memory = memory;
    }

    /// <exception cref="ModuleLoadException">They do not fit the device.</exception>
    public static OnnxWeights Charge(EngineSource source, OnnxGraph graph, EngineHome home)
    {
        ulong bytes = (ulong)Math.Max(1, graph.WeightBytes);
        CuResult status = home.Driver.MemAlloc(out DevicePointer memory, bytes);
        if (status == CuResult.OutOfMemory)
        {
            home.Driver.MemGetInfo(out ulong free, out ulong total);
            throw new ModuleLoadException(
                FailureKind.OutOfDeviceMemory,
                $"The weights of '{source.Path}' take {bytes} bytes; device {home.Ordinal} has {free} of {total} free."
            );
        }

        status.ThrowIfFailed();
        return new OnnxWeights(home, memory);
    }

    public void Dispose()
    {
        if (!_memory.IsNull)
        {
            _home.Driver.MemFree(_memory);
            _memory = default;
        }
    }
}

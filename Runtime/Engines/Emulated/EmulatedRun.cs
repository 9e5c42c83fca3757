using System.Diagnostics;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>A run of the network as a run of an emulated engine: it takes the declared time, touches scratch memory, and reports its
/// layers.</summary>
/// <remarks>Enqueued again and again with the launch it stands for. <b>Owns</b> nothing. <b>Thread</b> the driver's. <b>Blocks</b> for the
/// computation.</remarks>
internal sealed class EmulatedRun(OnnxLaunch launch, EmulatedEngine engine, FailureSlot failure, ILayerProfiler? profiler) : ManagedKernel
{
    private readonly DeviceAccess[] _accesses = new DeviceAccess[launch.Accesses.Length + 1];
    private int _count;

    /// <summary>The run of the network.</summary>
    public OnnxLaunch Launch => launch;

    public override string Name => launch.Name;

    public override TimeSpan Duration => engine.Manifest.Duration;

    public override ReadOnlySpan<DeviceAccess> Accesses => _accesses.AsSpan(0, _count);

    /// <summary>Brings the ranges up to those of the launch as it is prepared now.</summary>
    /// <param name="scratch">Empty where the engine has none.</param>
    public void Prepare(DeviceAccess scratch)
    {
        launch.Accesses.CopyTo(_accesses);
        _accesses[^1] = scratch;
        _count = _accesses.Length - (scratch.ByteCount > 0 ? 0 : 1);
    }

    public override CuResult Run(IEmulatedMemory memory)
    {
        if (profiler is null || !failure.IsEmpty)
        {
            return launch.Run(memory);
        }

        long start = Stopwatch.GetTimestamp();
        CuResult status = launch.Run(memory);
        if (failure.IsEmpty)
        {
            Report(profiler, Stopwatch.GetElapsedTime(start));
        }

        return status;
    }

    /// <summary>Spreads the time of a run evenly over the layers.</summary>
    private void Report(ILayerProfiler receiver, TimeSpan measured)
    {
        TimeSpan whole = Duration > TimeSpan.Zero ? Duration : measured;
        foreach (string layer in engine.Layers)
        {
            receiver.Report(layer, whole / engine.Layers.Count);
        }
    }
}

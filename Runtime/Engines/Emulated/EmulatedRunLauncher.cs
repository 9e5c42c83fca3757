using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Stands between the network and the driver: what enters a stream as a run of the network enters it as a run of the
/// engine.</summary>
/// <remarks><b>Owns</b> nothing on the device. <b>Thread</b> the lane's holder. <b>Blocks</b> never. Allocates for recordings
/// only.</remarks>
internal sealed class EmulatedRunLauncher(EmulatedEngine engine, FailureSlot failure, ILayerProfiler? profiler) : IManagedLauncher
{
    private readonly IManagedLauncher _driver = (IManagedLauncher)engine.Home.Driver;
    private EmulatedRun? _plain;

    /// <summary>Device memory that a run scratches; nothing else may use it meanwhile.</summary>
    public DeviceAccess Scratch { get; set; }

    public CuResult LaunchManaged(CuStream stream, ManagedKernel kernel)
    {
        // What measures outputs and what delivers them is no run that a plan would have.
        if (kernel is not OnnxLaunch launch)
        {
            return _driver.LaunchManaged(stream, kernel);
        }

        EmulatedRun run = RunOf(launch);
        run.Prepare(Scratch);
        return _driver.LaunchManaged(stream, run);
    }

    /// <summary>A recording keeps its launch, and so its run; plain ones are always the same.</summary>
    private EmulatedRun RunOf(OnnxLaunch launch)
    {
        if (launch.RecordedVersion is not null)
        {
            return new EmulatedRun(launch, engine, failure, profiler);
        }

        if (_plain?.Launch != launch)
        {
            _plain = new EmulatedRun(launch, engine, failure, profiler);
        }

        return _plain;
    }
}

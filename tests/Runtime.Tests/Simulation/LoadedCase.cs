using Troupe.Messages.Identity;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>A loaded module: the product's instance beside the model of it.</summary>
internal sealed class LoadedCase(ModuleInstance instance, InstanceModel model, ModelVersion version)
{
    public ModuleInstance Instance => instance;

    public InstanceModel Model => model;

    public ModuleCase Module => model.Module;

    public ModelVersion Version => version;

    public int Home => model.Home;

    /// <summary>Forwards on it that nobody has finished yet.</summary>
    public List<PendingForward> Pending { get; } = [];

    /// <summary>By caller's stream: a cache on the device that forwards write in place, and what it must hold.</summary>
    public Dictionary<Caller, (DeviceTensor Tensor, float[] Values)> Caches { get; } = [];

    /// <summary>Lanes whose last forward was not reported as completed yet, and whether it will have failed.</summary>
    public HashSet<HostLane> Unreported { get; } = [];

    /// <summary>What modes hold, as the instance was told; null where it never was.</summary>
    public HeldModes? Told { get; set; }

    /// <summary>Device blocks of this instance's pool that callers hold.</summary>
    public int HeldByCallers { get; set; }

    public ModeTarget Target(int session) => ModeTarget.Of(Place.GpuOf(Home), version, session < 0 ? null : Place.SessionOf(session));

    public LaneModel LaneOf(HostLane lane) =>
        model.Lanes.TryGetValue(lane, out LaneModel? known) ? known : model.Lanes[lane] = new LaneModel(model);

    public override string ToString() => $"{Module.Name}@{Home}";
}

using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Who can run one model version: the GPUs here that hold it and the reachable nodes that say they do.</summary>
internal sealed class ModelRoute(ModelVersion model)
{
    public ModelVersion Model { get; } = model;

    /// <summary>Of contents under one number the newer has the higher; -1: no directory has said yet that it serves.</summary>
    public int Generation { get; set; } = -1;

    public bool SafeToResend { get; set; } = true;

    public List<LocalGpu> Local { get; } = [];

    public List<RemoteNode> Remote { get; } = [];

    /// <summary>Devices that have it or will have it again, on every node that is known.</summary>
    public int Devices { get; set; }
}

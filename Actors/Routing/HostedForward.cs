using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>A forward of another node's origin router that runs on a GPU here, as its home router keeps it until the GPU releases
/// it.</summary>
internal sealed class HostedForward(RequestId id, int attempt, NodeId from, LocalGpu gpu, bool isSuspect) : DeadlineEntry
{
    public RequestId Id { get; } = id;

    public int Attempt { get; } = attempt;

    public NodeId From { get; } = from;

    public LocalGpu Gpu { get; } = gpu;

    /// <summary>It runs alone, and its GPU takes suspects meanwhile.</summary>
    public bool IsSuspect { get; } = isSuspect;
}

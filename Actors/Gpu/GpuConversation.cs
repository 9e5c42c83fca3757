using Akka.Actor;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Counts;

namespace Troupe.Actors.Gpu;

/// <summary>Router to GPU: the caller has been answered; drop the forward if it is queued, its result if it is launched.</summary>
internal sealed record DropForward(RequestId Id, int Attempt) : INoSerializationVerificationNeeded;

/// <summary>GPU to node, at each change and each tick: how it is.</summary>
/// <param name="Instances">As its executor last told; for this node's metrics, so they do not travel.</param>
internal sealed record GpuStatus(GpuSnapshot Snapshot, IReadOnlyList<InstanceSnapshot> Instances, MemoryCounts Memory) : IGpuNews;

/// <summary>GPU to node: out of service for the rest of this process; its executor shall be stopped.</summary>
internal sealed record GpuQuarantined(GpuId Gpu, int Incarnation, string Reason) : IGpuNews;

/// <summary>GPU to node: the executor makes no progress. It shall be stopped; once it moves again and ends, another follows.</summary>
internal sealed record ExecutorHangs(GpuId Gpu, int Incarnation, string Reason) : IGpuNews;

/// <summary>Node to GPU: the node leaves, say so in your snapshots.</summary>
internal sealed class DrainGpu : INodeToGpu
{
    public static DrainGpu Instance { get; } = new();
}

/// <summary>Node to GPU, a few times a second: look after your executor and say how you are.</summary>
internal sealed class GpuTick : INodeToGpu
{
    public static GpuTick Instance { get; } = new();
}

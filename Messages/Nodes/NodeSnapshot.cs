using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Messages.Nodes;

public enum GpuHealth
{
    /// <summary>A state that a later version added: not one in which it serves.</summary>
    Unknown = -1,

    Starting = 1,
    Ready = 2,

    /// <summary>The executor is being rebuilt after a crash; queued forwards went to siblings.</summary>
    Rebuilding = 3,

    /// <summary>Out of service for this process: sticky error, lost device or a hung executor.</summary>
    Quarantined = 4,
    Draining = 5,
}

/// <summary>One device as its node last saw it.</summary>
/// <param name="Name">Product name; emulated devices say so.</param>
/// <param name="Reason">Why it is not ready; empty otherwise.</param>
/// <param name="Queued">Forwards waiting in the device's queue.</param>
/// <param name="InFlight">Forwards launched and not complete.</param>
[MessagePackObject]
public sealed record GpuSnapshot(
    [property: Key(0)] GpuId Gpu,
    [property: Key(1)] string Name,
    [property: Key(2)] GpuHealth Health,
    [property: Key(3), MessagePackFormatter(typeof(ProseFormatter))] string Reason,
    [property: Key(4)] int Queued,
    [property: Key(5)] int QueueLimit,
    [property: Key(6)] int InFlight,
    [property: Key(7)] long MemoryUsedBytes,
    [property: Key(8)] long MemoryTotalBytes
);

/// <summary>What a node tells the routers of all nodes about itself, a few times a second and at each change.</summary>
/// <param name="Sequence">Rises with each snapshot of this incarnation; receivers drop older ones.</param>
/// <param name="WireLevel">The level of the messages between nodes that the node speaks; 0 until a level is fixed.</param>
/// <param name="Residency">Version of its models where there are more of them than travel with a snapshot: they come in
/// <see cref="ResidencyPage"/>s. 0: <paramref name="Models"/> are all.</param>
[MessagePackObject]
public sealed record NodeSnapshot(
    [property: Key(0)] NodeId Node,
    [property: Key(1)] NodeIncarnation Incarnation,
    [property: Key(2)] long Sequence,
    [property: Key(3)] bool Draining,
    [property: Key(4)] GpuSnapshot[] Gpus,
    [property: Key(5)] ModelSnapshot[] Models,
    [property: Key(6)] string Version,
    [property: Key(7), AddedLater] int WireLevel = 0,
    [property: Key(8), AddedLater] long Residency = 0
) : IRouterMessage;

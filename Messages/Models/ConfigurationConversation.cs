using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Models;

/// <summary>A node's entrance to another's: a part of the configuration of a version that only you have. Answered by
/// <see cref="ConfigurationPart"/>.</summary>
/// <param name="Id">The asking node's number of the request, which says in which of its lives it asked.</param>
/// <param name="From">The node that asks, and gets the answer.</param>
/// <param name="Model">The version, whose content the configuration is part of.</param>
/// <param name="Offset">Where the part begins.</param>
[MessagePackObject]
public sealed record AskConfiguration(
    [property: Key(0)] RequestId Id,
    [property: Key(1)] NodeId From,
    [property: Key(2)] ModelVersion Model,
    [property: Key(3)] int Offset
) : IWireMessage;

/// <summary>The asked node's answer.</summary>
/// <param name="Id">That of the <see cref="AskConfiguration"/> it answers.</param>
/// <param name="Length">Of the whole configuration; 0: the node has none of this version.</param>
[MessagePackObject]
public sealed record ConfigurationPart(
    [property: Key(0)] RequestId Id,
    [property: Key(1)] int Length,
    [property: Key(2), MessagePackFormatter(typeof(TensorDataFormatter))] ReadOnlyMemory<byte> Bytes
) : IWireMessage
{
    /// <summary>Most bytes of a part.</summary>
    public const int MostBytes = 48 << 10;
}

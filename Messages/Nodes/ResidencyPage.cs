using MessagePack;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Messages.Nodes;

/// <summary>Some of the models of a node that has more of them than travel with its snapshots: told on change, and when asked
/// for.</summary>
/// <param name="Version">Rises with each change of the models of this incarnation; the snapshots name it.</param>
/// <param name="Index">Of <paramref name="Count"/> pages of this version.</param>
[MessagePackObject]
public sealed record ResidencyPage(
    [property: Key(0)] NodeId Node,
    [property: Key(1)] NodeIncarnation Incarnation,
    [property: Key(2)] long Version,
    [property: Key(3)] int Index,
    [property: Key(4)] int Count,
    [property: Key(5)] ModelSnapshot[] Models
) : IRouterMessage
{
    /// <summary>Most pages of one version: models beyond them are told to nobody.</summary>
    public const int MostPages = 4096;
}

/// <summary>To a node whose snapshot names models that the sender has not got: tell them. Answered by
/// <see cref="ResidencyPage"/>s.</summary>
[MessagePackObject]
public sealed record AskResidency([property: Key(0)] NodeId From) : IRouterMessage;

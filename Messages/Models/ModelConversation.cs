using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Models;

/// <summary>A node's entrance to another's: put this to your model directory. Answered by <see cref="ModelsAnswered"/>.</summary>
/// <param name="Id">The asking node's number of the request, which says in which of its lives it asked.</param>
/// <param name="From">The node that asks, and gets the answer.</param>
/// <param name="Load">What is asked; null where <paramref name="Unload"/> is.</param>
[MessagePackObject]
public sealed record AskModels(
    [property: Key(0)] RequestId Id,
    [property: Key(1)] NodeId From,
    [property: Key(2)] LoadModel? Load,
    [property: Key(3)] UnloadModel? Unload
) : IWireMessage;

/// <summary>The asked node's answer.</summary>
/// <param name="Id">That of the <see cref="AskModels"/> it answers.</param>
[MessagePackObject]
public sealed record ModelsAnswered([property: Key(0)] RequestId Id, [property: Key(1)] ModelReply Reply) : IWireMessage;

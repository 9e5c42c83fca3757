using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Forwarding;

/// <summary>Origin router to home router: run this forward on one of your GPUs.</summary>
/// <param name="Forward">With its exact version, and the time left when it was sent.</param>
/// <param name="Attempt">1 for the first dispatch; echoed in the outcome, so that answers of an abandoned attempt are told apart.</param>
/// <param name="Suspect">It may have caused a crash: it runs alone.</param>
/// <param name="Content">That of the version which the origin chose; where it has given way, the one in its place runs.</param>
[MessagePackObject]
public sealed record RouteForward(
    [property: Key(0)] Forward Forward,
    [property: Key(1)] int Attempt,
    [property: Key(2), AddedLater] bool Suspect = false,
    [property: Key(3), AddedLater] ContentHash? Content = null
) : IRouterMessage;

/// <summary>What the origin router may do after a failed attempt.</summary>
public enum RetryAdvice
{
    /// <summary>Advice that a later version added: the reply is taken as final.</summary>
    Unknown = -1,

    /// <summary>The reply is final.</summary>
    Final = 0,

    /// <summary>Nothing was started here (full, draining, not resident): try another node, at no cost of an attempt.</summary>
    Bounce = 1,

    /// <summary>The device or its executor was lost; the forward may run again elsewhere.</summary>
    Retry = 2,
}

/// <summary>Home side to origin router: how one attempt at a forward ended.</summary>
/// <param name="Attempt">That of the <see cref="RouteForward"/> it answers.</param>
/// <param name="Reply">Terminal when <paramref name="Advice"/> is <see cref="RetryAdvice.Final"/>; otherwise the failure to answer with if
/// no other attempt is possible.</param>
/// <param name="Launched">A device had begun with it.</param>
/// <param name="Alone">It was the only one that had been launched in what was lost.</param>
/// <param name="Gpu">The device that was lost with it.</param>
[MessagePackObject]
public sealed record ForwardOutcome(
    [property: Key(0)] int Attempt,
    [property: Key(1)] ForwardReply Reply,
    [property: Key(2)] RetryAdvice Advice,
    [property: Key(3), AddedLater] bool Launched = false,
    [property: Key(4), AddedLater] bool Alone = false,
    [property: Key(5), AddedLater] GpuId? Gpu = null
) : IRouterMessage;

/// <summary>Origin router to home router: the caller has had its answer, drop what is queued of it.</summary>
[MessagePackObject]
public sealed record AbandonForward([property: Key(0)] RequestId Id, [property: Key(1)] int Attempt) : IRouterMessage;

using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Forwarding;

/// <summary>A forward that is known to end whatever runs it: its content is refused for a while.</summary>
/// <param name="Model">The exact version that it was for.</param>
/// <param name="High">Upper half of the hash of its inputs.</param>
/// <param name="Low">Lower half.</param>
/// <param name="TimeLeft">How much longer it is refused, on the receiver's clock.</param>
/// <param name="Where">What it ended, for people.</param>
/// <param name="Suspect">It may only be: its content runs alone until it succeeds or is guilty.</param>
[MessagePackObject]
public sealed record GuiltyForward(
    [property: Key(0)] ModelVersion Model,
    [property: Key(1)] ulong High,
    [property: Key(2)] ulong Low,
    [property: Key(3)] TimeSpan TimeLeft,
    [property: Key(4), MessagePackFormatter(typeof(ProseFormatter))] string Where,
    [property: Key(5), AddedLater] bool Suspect = false
);

/// <summary>Router to router: refuse these too. Sent when one is found guilty, and to a member that comes; of a suspect, when it is not run
/// again where it was lost.</summary>
[MessagePackObject]
public sealed record GuiltyForwards([property: Key(0)] GuiltyForward[] Forwards) : IRouterMessage;

using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>What a node does about members it cannot reach for longer than is tolerable.</summary>
internal enum DowningVerdict
{
    /// <summary>Nothing is unreachable.</summary>
    Wait,

    /// <summary>The unreachable members are declared down, this side goes on.</summary>
    DownUnreachable,

    /// <summary>This side is the smaller one and ends itself.</summary>
    DownReachable,
}

/// <summary>Decides which side of a partition goes on.</summary>
/// <remarks>
/// Knows no Akka. Nothing in Troupe needs a single writer, so two small sides may both go on: below <paramref name="majorityFrom"/> router
/// nodes the unreachable side is always the one that is downed, and the death of either
/// of two nodes leaves the other serving. From there on the majority of router nodes goes on; of two halves the one with the lowest
/// address.
/// </remarks>
internal sealed class DowningCore(int majorityFrom, DecisionQueue<DownMember, IDowningShell> decisions)
{
    /// <summary>Which side goes on; the members of the other are to be declared down.</summary>
    /// <param name="members">All of them, whatever their role.</param>
    /// <param name="routers">Those that count.</param>
    public DowningVerdict Decide(
        IReadOnlyCollection<NodeId> members,
        IReadOnlyCollection<NodeId> routers,
        IReadOnlyCollection<NodeId> unreachable
    )
    {
        DowningVerdict verdict = VerdictOn(routers, unreachable);
        if (verdict != DowningVerdict.Wait)
        {
            bool downs = verdict == DowningVerdict.DownUnreachable;
            foreach (NodeId member in members.Where(member => unreachable.Contains(member) == downs))
            {
                decisions.Add(new DownMember(member));
            }
        }

        return verdict;
    }

    /// <summary>A member could not be declared down: once more, and then again when the picture has been stable for as long
    /// again.</summary>
    public void Failed(in DownMember decision) => decisions.TryRepeat(decision);

    private DowningVerdict VerdictOn(IReadOnlyCollection<NodeId> routers, IReadOnlyCollection<NodeId> unreachable)
    {
        if (unreachable.Count == 0)
        {
            return DowningVerdict.Wait;
        }

        int lost = routers.Count(unreachable.Contains);
        int reachable = routers.Count - lost;
        if (routers.Count < majorityFrom || reachable > lost)
        {
            return DowningVerdict.DownUnreachable;
        }

        return reachable == lost && !unreachable.Contains(routers.MinBy(node => node.Address, StringComparer.Ordinal))
            ? DowningVerdict.DownUnreachable
            : DowningVerdict.DownReachable;
    }
}

using Troupe.Messages.Identity;

namespace Troupe.Actors.Modes;

/// <summary>Another member as a mode directory sees it.</summary>
internal sealed class ModePeer(NodeId node)
{
    public NodeId Node { get; } = node;

    public bool Reachable { get; private set; }

    /// <summary>Since it can be reached it has told us everything.</summary>
    public bool Heard { get; set; }

    /// <summary>Since it can be reached we have told it everything.</summary>
    public bool Served { get; set; }

    /// <summary>Both, so that work may pass.</summary>
    public bool Synchronized { get; set; }

    /// <summary>The digest of its that we last asked back for.</summary>
    public ulong? AskedBackFor { get; set; }

    /// <summary>The exchange under way; answers of earlier ones are merged and otherwise ignored.</summary>
    public long Round { get; set; }

    public bool Asking { get; set; }

    public TimeSpan AskedAt { get; set; } = TimeSpan.MinValue;

    /// <summary>Pages of the present round that have come.</summary>
    public HashSet<int> Pages { get; } = [];

    /// <summary>Everything that was over at this time it knows to be over.</summary>
    public TimeSpan ConfirmedAt { get; set; } = TimeSpan.MinValue;

    /// <summary>It has come into reach: whatever was known of it may be out of date.</summary>
    public void Begin()
    {
        End();
        Reachable = true;
    }

    public void End()
    {
        Reachable = Heard = Served = Synchronized = Asking = false;
        AskedBackFor = null;
    }
}

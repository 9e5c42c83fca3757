using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>An accepted forward that has not been answered, as its origin router keeps it.</summary>
internal sealed class PendingForward(Forward forward, IForwardSink sink) : DeadlineEntry
{
    /// <summary>With the number of its version.</summary>
    public Forward Forward { get; private set; } = forward;

    /// <summary>Its caller named no version.</summary>
    public bool IsUnversioned { get; init; }

    public IForwardSink Sink { get; } = sink;

    /// <summary>Who counts what becomes of it; null when nobody does.</summary>
    public AuditCounts? Audit { get; set; }

    /// <summary>Counts every dispatch, so that outcomes of an abandoned one are told apart.</summary>
    public int Attempt { get; set; }

    /// <summary>Attempts that were lost before anything had begun with them.</summary>
    public int Losses { get; set; }

    /// <summary>It runs alone, in its turn.</summary>
    public bool IsSuspect { get; set; }

    /// <summary>It runs alone for what its own content did, and not for its model's sake.</summary>
    public bool IsLastRun => IsSuspect && Notes is { MayBeGuilty: true };

    /// <summary>Its place in a line of suspects; null while it is in none.</summary>
    public LinkedListNode<PendingForward>? Turn { get; set; }

    /// <summary>Null until they are needed.</summary>
    public SuspectNotes? Notes { get; private set; }

    public bool IsAnswered { get; set; }

    /// <summary>False while it waits for a place or for its turn.</summary>
    public bool IsUnderWay => Gpu is not null || Node is not null;

    /// <summary>The version it was first dispatched for; a later attempt takes no other.</summary>
    public ModelVersion? Model { get; set; }

    public bool SafeToResend { get; set; }

    /// <summary>Where the current attempt is: a GPU here, or a node.</summary>
    public LocalGpu? Gpu { get; set; }

    public RemoteNode? Node { get; set; }

    /// <summary>Nodes that sent it back.</summary>
    public List<NodeId>? Bounced { get; set; }

    /// <summary>What to answer if no other attempt is possible.</summary>
    public ForwardReply.Failed? LastFailure { get; set; }

    /// <summary>Takes another version: nothing of its own is left anywhere.</summary>
    public void Take(Forward other) => (Forward, Model, Bounced) = (other, null, null);

    public SuspectNotes EnsureNotes() => Notes ??= new SuspectNotes();
}

using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>Which other nodes there are, and what a change of them does to the forwards here and there.</summary>
/// <remarks>Knows no Akka; shares its router's thread, table and decisions. <b>Owns</b> the set of members.</remarks>
internal sealed class RouterMembers(
    RoutingTable table,
    VersionChooser versions,
    RouterCore origin,
    HomeCore home,
    DecisionQueue<RouterDecision, IRouterShell> decisions
)
{
    private readonly HashSet<NodeId> _members = [];
    private readonly ResidencyPages _residency = new();
    private readonly Dictionary<NodeId, ResidencyOfOther> _others = [];

    /// <summary>What of this node's models each member was told in pages last.</summary>
    private readonly Dictionary<NodeId, IReadOnlyList<ResidencyPage>> _told = [];

    /// <summary>A member is up: it hears of this node.</summary>
    public void Add(NodeId node, TimeSpan now)
    {
        _members.Add(node);
        table.SetReachable(node, true);
        Introduce(node);
        origin.Suspects.Introduce(node, now);
    }

    /// <summary>This node's newest snapshot; the answer that it carries follows the news, so that whoever has it sees the model.</summary>
    public void Publish(OwnSnapshot own)
    {
        table.UpdateOwn(own.Snapshot);
        decisions.Add(RouterDecision.PublishView(View()));
        foreach (NodeId node in _members)
        {
            Introduce(node);
        }

        if (own is { Asker: { } asker, Reply: { } reply })
        {
            decisions.Add(RouterDecision.AnswerModels(asker, reply));
        }
    }

    /// <summary>What a member says of itself; false when it is none (yet, or any more): a member repeats itself.</summary>
    public bool TryUpdate(NodeSnapshot snapshot, TimeSpan now, out bool isReborn)
    {
        isReborn = false;
        if (!_members.Contains(snapshot.Node))
        {
            return false;
        }

        if (snapshot.Residency > 0)
        {
            ResidencyOfOther other = OtherOf(snapshot.Node);
            if (other.Asks(snapshot, now))
            {
                decisions.Add(RouterDecision.TellResidency(snapshot.Node, new AskResidency(table.Self)));
            }

            snapshot = other.Complete(snapshot);
        }

        isReborn = table.UpdateFrom(snapshot, now);
        if (isReborn)
        {
            EndForwards(snapshot.Node, now);
        }

        decisions.Add(RouterDecision.PublishView(View()));
        return true;
    }

    /// <summary>Models of a member that do not travel with its snapshots.</summary>
    public void Update(ResidencyPage page)
    {
        if (_members.Contains(page.Node) && OtherOf(page.Node) is { } other && other.Add(page))
        {
            table.UpdateModels(page.Node, page.Incarnation, other.Models);
            decisions.Add(RouterDecision.PublishView(View()));
        }
    }

    /// <summary>A member asks for what it was not told, or has lost.</summary>
    public void TellResidency(NodeId node)
    {
        if (_members.Contains(node))
        {
            _told[node] = _residency.Pages;
            foreach (ResidencyPage page in _residency.Pages)
            {
                decisions.Add(RouterDecision.TellResidency(node, page));
            }
        }
    }

    public void MarkUnreachable(NodeId node, TimeSpan now)
    {
        table.SetReachable(node, false);
        EndForwards(node, now);
        decisions.Add(RouterDecision.PublishView(View()));
    }

    public void MarkReachable(NodeId node, TimeSpan now)
    {
        table.SetReachable(node, true);
        decisions.Add(RouterDecision.PublishView(View()));
        if (_members.Contains(node))
        {
            Introduce(node);
            origin.Suspects.Introduce(node, now);
        }
    }

    public void Remove(NodeId node, TimeSpan now)
    {
        _members.Remove(node);
        _told.Remove(node);
        _others.Remove(node);
        table.Remove(node);
        EndForwards(node, now);
        decisions.Add(RouterDecision.PublishView(View()));
    }

    /// <summary>A decision could not be applied: it is made once more with what is known then.</summary>
    public void Failed(in RouterDecision decision)
    {
        switch (decision.Action)
        {
            case RouterAction.PublishView:
                decisions.TryRepeat(RouterDecision.PublishView(View()));
                break;
            case RouterAction.Introduce when table.Own is { } own:
                decisions.TryRepeat(RouterDecision.Introduce(decision.Node, _residency.Update(own)));
                break;
            case RouterAction.TellGuilty:
            case RouterAction.TellResidency:
            case RouterAction.AnswerModels:
                decisions.TryRepeat(decision);
                break;
            default:
                break;
        }
    }

    private ClusterView View() => table.View() with { Newest = versions.Newest() };

    private void EndForwards(NodeId node, TimeSpan now)
    {
        origin.EndAttemptsOn(node, now);
        home.AbandonAllOf(node);
    }

    private void Introduce(NodeId node)
    {
        if (table.Own is { } own)
        {
            NodeSnapshot travels = _residency.Update(own);
            if (!ReferenceEquals(_told.GetValueOrDefault(node, []), _residency.Pages))
            {
                // Before the snapshot that names them, so that nobody asks for what is on its way.
                TellResidency(node);
            }

            decisions.Add(RouterDecision.Introduce(node, travels));
        }
    }

    private ResidencyOfOther OtherOf(NodeId node) =>
        _others.TryGetValue(node, out ResidencyOfOther? known) ? known : _others[node] = new ResidencyOfOther();
}

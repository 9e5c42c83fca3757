using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Makes every member hold the same modes: compares digests when a member comes into reach and now and then, and exchanges
/// everything where they differ.</summary>
/// <remarks>
/// A member that has just joined or was out of reach is synchronized once an exchange with it has ended; until then no work should pass
/// between the two. The node itself is ready,
/// for good, once it is a member and synchronized with every member it can reach.
/// </remarks>
internal sealed class ModeExchange(
    NodeId self,
    ModeDirectoryOptions options,
    ModeStore store,
    DecisionQueue<ModeDecision, IModeShell> decisions
)
{
    private readonly SortedDictionary<string, ModePeer> _peers = new(StringComparer.Ordinal);
    private long _rounds;
    private bool _joined;

    public IEnumerable<ModePeer> Peers => _peers.Values;

    public bool IsReady { get; private set; }

    public void Join(TimeSpan now)
    {
        _joined = true;
        BecomeReadyIfSynchronized();
        Tick(now);
    }

    public void BeginReach(NodeId node, TimeSpan now)
    {
        if (node == self)
        {
            return;
        }

        if (!_peers.TryGetValue(node.Address, out ModePeer? peer))
        {
            _peers.Add(node.Address, peer = new ModePeer(node));
        }

        peer.Begin();
        Ask(peer, now);
    }

    public void EndReach(NodeId node, bool gone)
    {
        if (_peers.TryGetValue(node.Address, out ModePeer? peer))
        {
            peer.End();
            if (gone)
            {
                _peers.Remove(node.Address);
            }
        }

        BecomeReadyIfSynchronized();
    }

    public void Tick(TimeSpan now)
    {
        foreach (ModePeer peer in _peers.Values.Where(peer => peer.Reachable))
        {
            TimeSpan pause = peer.Asking || !peer.Synchronized ? options.CompareRetry : options.CompareInterval;
            if (peer.AskedAt == TimeSpan.MinValue || now - peer.AskedAt >= pause)
            {
                Ask(peer, now);
            }
        }

        TimeSpan confirmed = _peers.Count == 0 ? now : _peers.Values.Min(peer => peer.ConfirmedAt);
        store.Collect(now, options.TombstoneAge, confirmed);
    }

    /// <summary>Another directory asks: answers with nothing or everything, and asks back where they differ.</summary>
    public void Compare(CompareModes compare, TimeSpan now)
    {
        store.AdvanceTime(compare.Time);
        bool alike = compare.Digest == store.Digest();
        ModeEntry[] entries = alike ? [] : [.. store.Shared(now)];
        int count = Math.Max(1, (entries.Length + options.PageSize - 1) / options.PageSize);
        for (int index = 0; index < count; index++)
        {
            ModeEntry[] page = [.. entries.Skip(index * options.PageSize).Take(options.PageSize)];
            decisions.Add(new ModeDecision.Send(compare.From, new ModePage(compare.Round, self, store.Time, index, count, page)));
        }

        if (!_peers.TryGetValue(compare.From.Address, out ModePeer? peer))
        {
            return;
        }

        peer.Served = true;
        if (alike)
        {
            peer.ConfirmedAt = now;
        }
        else if (peer.Reachable && !peer.Asking && (compare.Digest != peer.AskedBackFor || now - peer.AskedAt >= options.CompareRetry))
        {
            // The same difference is not chased in circles: leases end at slightly different times on different nodes.
            peer.AskedBackFor = compare.Digest;
            Ask(peer, now);
        }

        Synchronize(peer);
    }

    /// <summary>Takes a page in; true when what is in force has changed.</summary>
    public bool Page(ModePage page, TimeSpan now)
    {
        store.AdvanceTime(page.Time);
        bool changed = store.Merge(page.Entries, now);
        if (
            !_peers.TryGetValue(page.From.Address, out ModePeer? peer)
            || !peer.Asking
            || page.Round != peer.Round
            || page.Index < 0
            || page.Index >= page.Count
        )
        {
            return changed;
        }

        peer.Pages.Add(page.Index);
        if (peer.Pages.Count == page.Count)
        {
            peer.Asking = false;
            if (page is { Count: 1, Entries.Length: 0 })
            {
                peer.ConfirmedAt = peer.AskedAt;
            }

            peer.Heard = true;
            Synchronize(peer);
        }

        return changed;
    }

    /// <summary>Both have told the other everything since they can reach each other.</summary>
    private void Synchronize(ModePeer peer)
    {
        if (peer is { Reachable: true, Heard: true, Served: true, Synchronized: false })
        {
            peer.Synchronized = true;
            decisions.Add(new ModeDecision.Synchronized(peer.Node));
            BecomeReadyIfSynchronized();
        }
    }

    private void Ask(ModePeer peer, TimeSpan now)
    {
        peer.Round = ++_rounds;
        peer.Asking = true;
        peer.AskedAt = now;
        peer.Pages.Clear();
        decisions.Add(new ModeDecision.Send(peer.Node, new CompareModes(peer.Round, self, store.Time, store.Digest())));
    }

    private void BecomeReadyIfSynchronized()
    {
        if (!IsReady && _joined && _peers.Values.All(peer => peer.Synchronized || !peer.Reachable))
        {
            IsReady = true;
            decisions.Add(new ModeDecision.Ready());
        }
    }
}

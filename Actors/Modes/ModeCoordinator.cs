using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Carries changes through the cluster: prepare, commit, and compensation where somebody refuses or stays silent; every request
/// ends with exactly one answer.</summary>
/// <remarks>
/// Knows no Akka; part of <see cref="ModeDirectoryCore"/> and of its thread. Holds nothing that another directory would need if this node
/// died: what was committed anywhere
/// spreads by <see cref="ModeExchange"/> and ends with its lease.
/// </remarks>
internal sealed class ModeCoordinator
{
    private readonly NodeId _self;
    private readonly ModeDirectoryOptions _options;
    private readonly ModeStore _store;
    private readonly ModeRequestCheck _checks;
    private readonly ModeExchange _exchange;
    private readonly DecisionQueue<ModeDecision, IModeShell> _decisions;
    private readonly ModeParticipant _participant;
    private readonly SortedDictionary<long, ModeOperation> _operations = [];
    private long _numbers;

    public ModeCoordinator(
        NodeId self,
        ModeDirectoryOptions options,
        ModeStore store,
        ModeRequestCheck checks,
        ModeExchange exchange,
        DecisionQueue<ModeDecision, IModeShell> decisions,
        Action merged
    )
    {
        _self = self;
        _options = options;
        _store = store;
        _checks = checks;
        _exchange = exchange;
        _decisions = decisions;
        _participant = new ModeParticipant(self, store, checks, decisions, AnswerHere, merged);
    }

    /// <summary>This node's own part in its changes and those of others.</summary>
    public ModeParticipant Participant => _participant;

    /// <summary>Requests without an answer yet.</summary>
    public int Open => _operations.Count;

    public void PeerLost(NodeId node, TimeSpan now)
    {
        foreach (ModeOperation operation in _operations.Values.ToArray())
        {
            if (operation.Waiting.Remove(node))
            {
                if (Concerns(operation.Scope, node))
                {
                    operation.NotReached.Add(new ModeObstacle(node, null, "The node cannot be reached."));
                }

                Step(operation, now);
            }
        }
    }

    /// <summary>Ends the waits whose time has passed.</summary>
    public void Tick(TimeSpan now)
    {
        _participant.Tick(now);
        foreach (ModeOperation operation in _operations.Values.Where(operation => operation.Deadline <= now).ToArray())
        {
            TimeOut(operation, now);
        }
    }

    public void Prepared(ModeChangePrepared answer, TimeSpan now)
    {
        _store.AdvanceTime(answer.Time);
        if (
            _operations.TryGetValue(answer.Change, out ModeOperation? operation)
            && operation.Phase == ModePhase.Preparing
            && operation.Waiting.Remove(answer.From)
        )
        {
            operation.NoteObjections(answer.Objections);
            Step(operation, now);
        }
    }

    public void Committed(ModeChangeCommitted answer, TimeSpan now)
    {
        _store.AdvanceTime(answer.Time);
        if (
            !_operations.TryGetValue(answer.Change, out ModeOperation? operation)
            || operation.Phase == ModePhase.Preparing
            || !operation.Waiting.Remove(answer.From)
        )
        {
            return;
        }

        if (operation.Phase == ModePhase.Committing)
        {
            operation.Applied.AddRange(answer.Applied);
            operation.NoteObjections(answer.Objections);
            foreach (GpuId gpu in answer.Silent)
            {
                operation.NoteSilence(gpu.Node, gpu, "The device did not finish the change in time.");
            }
        }

        Step(operation, now);
    }

    /// <summary>Asks everybody in the scope, then has everybody take the entry in.</summary>
    public void Change(ModeEntry entry, IReplyTo<ModeReply> asker, Func<ModeOperation, ModeReply> success, TimeSpan now) =>
        Ask(
            new ModeOperation(++_numbers, asker, entry.Scope)
            {
                Entry = entry,
                Success = success,
                Phase = ModePhase.Preparing,
            },
            entry,
            now
        );

    /// <summary>Asks everybody in the scope what they have against the modes in force.</summary>
    public void Explain(ModeScope scope, IReplyTo<ModeReply> asker, TimeSpan now) =>
        Ask(
            new ModeOperation(++_numbers, asker, scope)
            {
                Success = ended => ModeExplanations.Of(_store.InForce, scope, ended),
                Phase = ModePhase.Preparing,
            },
            null,
            now
        );

    private void Ask(ModeOperation operation, ModeEntry? entry, TimeSpan now)
    {
        operation.Deadline = now + _options.PrepareBound + _options.Grace;
        _operations.Add(operation.Change, operation);
        operation.Waiting.Add(_self);
        foreach (ModePeer peer in _exchange.Peers.Where(peer => Concerns(operation.Scope, peer.Node)))
        {
            if (peer.Reachable)
            {
                operation.Waiting.Add(peer.Node);
                _decisions.Add(
                    new ModeDecision.Send(
                        peer.Node,
                        new PrepareModeChange(operation.Change, _self, _store.Time, entry, operation.Scope, _options.PrepareBound)
                    )
                );
            }
        }

        _participant.Prepare(
            new PrepareModeChange(operation.Change, _self, _store.Time, entry, operation.Scope, _options.PrepareBound),
            now
        );
    }

    /// <summary>Has everybody take entries in without asking first: ends and renewals are nobody's to refuse.</summary>
    public void Commit(
        IReadOnlyList<ModeEntry> entries,
        ModeScope scope,
        IReplyTo<ModeReply> asker,
        Func<ModeOperation, ModeReply> success,
        TimeSpan now
    )
    {
        var operation = new ModeOperation(++_numbers, asker, scope) { Success = success };
        _operations.Add(operation.Change, operation);
        Tell(operation, ModePhase.Committing, entries, now);
    }

    /// <summary>Has every reachable member take these in, this node first. Members that cannot be reached are outside the scope and hear of
    /// it later.</summary>
    private void Tell(ModeOperation operation, ModePhase phase, IReadOnlyList<ModeEntry> entries, TimeSpan now)
    {
        TimeSpan bound = _options.CommitBound + _options.Grace;
        TimeSpan? within = operation.AnswerWithin(entries);
        operation.Phase = phase;
        operation.Deadline = now + (within < bound ? within.Value : bound);
        operation.Waiting.Clear();
        operation.Waiting.Add(_self);
        ModeEntry[] sent = [.. entries];
        foreach (ModePeer peer in _exchange.Peers)
        {
            if (peer.Reachable)
            {
                operation.Waiting.Add(peer.Node);
                _decisions.Add(
                    new ModeDecision.Send(peer.Node, new CommitModeChange(operation.Change, _self, _store.Time, sent, _options.CommitBound))
                );
            }
            else if (
                phase == ModePhase.Committing
                && Concerns(operation.Scope, peer.Node)
                && !operation.NotReached.Any(missed => missed.Node == peer.Node)
            )
            {
                operation.NotReached.Add(new ModeObstacle(peer.Node, null, "The node cannot be reached."));
            }
        }

        _participant.Commit(new CommitModeChange(operation.Change, _self, _store.Time, sent, _options.CommitBound), now);
    }

    /// <summary>Somebody has answered or is out of reach: goes on when nobody is waited for any more, or at once when the change is
    /// refused.</summary>
    private void Step(ModeOperation operation, TimeSpan now)
    {
        if (operation.RefusalKind is not null && operation.Phase == ModePhase.Committing)
        {
            Compensate(operation, now);
        }
        else if (operation.Waiting.Count > 0)
        {
            return;
        }
        else if (operation.RefusalKind is { } kind)
        {
            End(operation, new ModeReply.Refused(kind, operation.RefusalDetail, [.. operation.Refusals]));
        }
        else if (operation.Phase == ModePhase.Preparing && operation.Entry is { } entry)
        {
            Tell(operation, ModePhase.Committing, [entry], now);
        }
        else
        {
            operation.Reached = Reached(operation);
            End(operation, operation.Success(operation));
        }
    }

    private void Compensate(ModeOperation operation, TimeSpan now)
    {
        // Under a number of its own, so that late acknowledgements of the commit are not taken for those of its end.
        _operations.Remove(operation.Change);
        operation.Change = ++_numbers;
        _operations.Add(operation.Change, operation);
        Tell(
            operation,
            ModePhase.Compensating,
            [ModeEntries.Ended(operation.Entry!, new ModeEnd(_store.NextTime(), ModeEndReason.Aborted))],
            now
        );
    }

    private void TimeOut(ModeOperation operation, TimeSpan now)
    {
        foreach (NodeId node in operation.Waiting.Order(ModeOrder.Nodes))
        {
            operation.NoteSilence(node, null, "The node did not answer in time.");
        }

        operation.Waiting.Clear();
        Step(operation, now);
    }

    /// <summary>The GPUs that run under the change: not those all of whose models it does not reach.</summary>
    private GpuId[] Reached(ModeOperation operation) =>
        [
            .. operation
                .Applied.Where(gpu =>
                    operation.NotReached.Count(missed => missed.Gpu == gpu) is var missed
                    && (missed == 0 || missed < _checks.Residents(gpu))
                )
                .Order(ModeOrder.Gpus),
        ];

    private void AnswerHere(IModeDirectoryMessage answer, TimeSpan now)
    {
        switch (answer)
        {
            case ModeChangePrepared prepared:
                Prepared(prepared, now);
                break;
            case ModeChangeCommitted committed:
                Committed(committed, now);
                break;
        }
    }

    private void End(ModeOperation operation, ModeReply reply)
    {
        _operations.Remove(operation.Change);
        _decisions.Add(new ModeDecision.Answer(operation.Asker, reply));
    }

    private static bool Concerns(ModeScope scope, NodeId node) => (scope.Gpu?.Node ?? scope.Node) is not { } only || only == node;
}

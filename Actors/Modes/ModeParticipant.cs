using Troupe.Actors.Decisions;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>A directory's part in changes that it or another coordinates: asks the node's GPUs, takes entries in, and answers when the GPUs
/// in the scope run under the result.</summary>
/// <remarks>Knows no Akka; part of <see cref="ModeDirectoryCore"/> and of its thread.</remarks>
/// <param name="merged">Told whenever entries were taken in.</param>
/// <param name="answerHere">Takes the answers to changes that this node coordinates itself.</param>
internal sealed class ModeParticipant(
    NodeId self,
    ModeStore store,
    ModeRequestCheck checks,
    DecisionQueue<ModeDecision, IModeShell> decisions,
    Action<IModeDirectoryMessage, TimeSpan> answerHere,
    Action merged
)
{
    private readonly SortedSet<int> _gpus = [];
    private readonly SortedDictionary<long, GpuRound> _rounds = [];
    private long _numbers;

    private IEnumerable<GpuId> Gpus => _gpus.Select(ordinal => new GpuId(self, ordinal));

    /// <summary>A GPU of this node is there; it is told what holds.</summary>
    public void AddGpu(int ordinal)
    {
        _gpus.Add(ordinal);
        TellGpu(new GpuId(self, ordinal), 0);
    }

    /// <summary>Ends the rounds whose time has passed; GPUs that did not answer are named.</summary>
    public void Tick(TimeSpan now)
    {
        foreach (GpuRound round in _rounds.Values.Where(round => round.Deadline <= now).ToArray())
        {
            Finish(round, now);
        }
    }

    /// <summary>Phase one of somebody's change: asks the GPUs it would touch what they would say.</summary>
    public void Prepare(PrepareModeChange prepare, TimeSpan now)
    {
        store.AdvanceTime(prepare.Time);
        GpuRound round = Begin(prepare.From, prepare.Change, isCommit: false, prepare.Scope, now + prepare.TimeLeft);
        var modes = new ModesForGpu(
            prepare.Entry is { } entry
                ? ModesInForce.Of(store.Table.With(entry).Entries, known => known.Stamp == entry.Stamp || store.IsLive(known), store.Time)
                : store.InForce,
            prepare.Entry?.Stamp
        );
        foreach (GpuId gpu in Gpus.Where(gpu => checks.Touches(prepare.Scope, gpu)))
        {
            round.Waiting.Add(gpu);
            decisions.Add(
                new ModeDecision.TellGpu(
                    gpu,
                    new CheckGpuModes(round.Number, modes, prepare.Scope.Session, Explains: prepare.Entry is null)
                )
            );
        }

        FinishWhenAnswered(round, now);
    }

    /// <summary>Phase two: takes the entries in and waits until the GPUs in the scope run under the result.</summary>
    public void Commit(CommitModeChange commit, TimeSpan now)
    {
        store.AdvanceTime(commit.Time);
        ModeScope scope = commit.Entries.Length > 0 ? commit.Entries[0].Scope : ModeScope.Cluster;
        GpuRound round = Begin(commit.From, commit.Change, isCommit: true, scope, now + commit.TimeLeft);
        bool changed = store.Merge(commit.Entries, now);
        merged();
        foreach (GpuId gpu in Gpus)
        {
            bool touched = checks.Touches(scope, gpu);
            if (changed)
            {
                TellGpu(gpu, round.Number);
            }

            if (touched && changed)
            {
                round.Waiting.Add(gpu);
            }
            else if (touched)
            {
                round.Answered.Add(gpu);
            }
        }

        FinishWhenAnswered(round, now);
    }

    public void Answered(GpuModesChecked prepared, TimeSpan now)
    {
        if (_rounds.TryGetValue(prepared.Change, out GpuRound? round) && !round.IsCommit && round.Waiting.Remove(prepared.Gpu))
        {
            Note(round, prepared.Gpu, prepared.Refusals);
            FinishWhenAnswered(round, now);
        }
    }

    public void Answered(GpuModesApplied committed, TimeSpan now)
    {
        if (_rounds.TryGetValue(committed.Change, out GpuRound? round) && round.IsCommit && round.Waiting.Remove(committed.Gpu))
        {
            Note(round, committed.Gpu, committed.Refusals);
            round.Answered.Add(committed.Gpu);
            FinishWhenAnswered(round, now);
        }
    }

    /// <summary>What is in force has changed on nobody's request: the GPUs hear of it, and nobody waits for them.</summary>
    public void Publish()
    {
        foreach (GpuId gpu in Gpus)
        {
            TellGpu(gpu, 0);
        }
    }

    private GpuRound Begin(NodeId coordinator, long change, bool isCommit, ModeScope scope, TimeSpan deadline)
    {
        var round = new GpuRound(++_numbers, coordinator, change, isCommit, scope, deadline);
        _rounds.Add(round.Number, round);
        return round;
    }

    private void FinishWhenAnswered(GpuRound round, TimeSpan now)
    {
        if (round.Waiting.Count == 0)
        {
            Finish(round, now);
        }
    }

    private void Finish(GpuRound round, TimeSpan now)
    {
        _rounds.Remove(round.Number);
        GpuId[] silent = [.. round.Waiting.Order(ModeOrder.Gpus)];
        if (round.IsCommit)
        {
            var answer = new ModeChangeCommitted(
                round.Change,
                self,
                store.Time,
                [.. round.Answered.Order(ModeOrder.Gpus)],
                silent,
                [.. round.Objections]
            );
            Answer(round.Coordinator, answer, now);
            return;
        }

        // A GPU that does not answer a question has not refused; the change itself has its own bound.
        var prepared = new ModeChangePrepared(round.Change, self, store.Time, [.. round.Objections]);
        Answer(round.Coordinator, prepared, now);
    }

    private void Answer(NodeId coordinator, IModeDirectoryMessage answer, TimeSpan now)
    {
        if (coordinator == self)
        {
            answerHere(answer, now);
        }
        else
        {
            decisions.Add(new ModeDecision.Send(coordinator, answer));
        }
    }

    private static void Note(GpuRound round, GpuId gpu, IReadOnlyList<InstanceRefusal> refusals)
    {
        foreach (InstanceRefusal refusal in refusals)
        {
            if (ModeTarget.Of(gpu, refusal.Model, round.Scope.Session).IsIn(round.Scope))
            {
                bool refuses = refusal.Kind == FailureKind.ModeConflict || ModeScopes.IsModelOrNarrower(round.Scope);
                round.Objections.Add(new ModeObjection(gpu, refusal.Model, refusal.Kind, refusal.Reason, refuses));
            }
        }
    }

    /// <summary>A GPU could not be told: once more, with what holds now, for a later commit may stand behind the one that failed.</summary>
    public void TellAgain(GpuId gpu, long round) => decisions.TryRepeat(Commit(gpu, round));

    private void TellGpu(GpuId gpu, long round) => decisions.Add(Commit(gpu, round));

    private ModeDecision.TellGpu Commit(GpuId gpu, long round) =>
        new(gpu, new ApplyGpuModes(round, new ModesForGpu(store.InForce), _rounds.GetValueOrDefault(round)?.Scope));
}

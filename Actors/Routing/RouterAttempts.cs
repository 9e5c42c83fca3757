using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Routing;

/// <summary>The attempts at pending forwards: where each goes, what follows one that is lost, and who runs alone.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterCore"/> and of its thread. What was lost before anything had begun with it goes
/// elsewhere until its deadline; what was launched runs once more, alone (<see cref="Suspects"/>). <b>Owns</b> those
/// that wait for a place.</remarks>
internal sealed class RouterAttempts
{
    /// <summary>After as many losses before it had begun a forward looks for its next place at the next tick, and not at once.</summary>
    public const int EagerAttempts = 3;

    /// <summary>As many as wait for a device that takes none at present; more are answered at once.</summary>
    private const int MostNewcomers = 256;

    private readonly RoutingTable _table;
    private readonly VersionChooser _versions;
    private readonly PendingForwards _pending;
    private readonly RouterAudit _audit;
    private readonly DecisionQueue<RouterDecision, IRouterShell> _decisions;
    private readonly RouteChooser _chooser;

    /// <summary>Without a place at present: lost before anything had begun with them, or come while devices are rebuilt.</summary>
    private readonly List<PendingForward> _homeless = [];

    public RouterAttempts(
        RoutingTable table,
        VersionChooser versions,
        PendingForwards pending,
        RouterAudit audit,
        DecisionQueue<RouterDecision, IRouterShell> decisions
    )
    {
        _table = table;
        _versions = versions;
        _pending = pending;
        _audit = audit;
        _decisions = decisions;
        _chooser = new RouteChooser(table);
        Suspects = new Suspects(table, _chooser, decisions);
    }

    public Suspects Suspects { get; }

    /// <summary>Sends a forward where it runs next, or answers it.</summary>
    public void Begin(PendingForward pending, TimeSpan now)
    {
        RouteChoice choice = pending.IsSuspect ? default : _chooser.Choose(pending, now);
        if (choice is { Route: null, Kind: FailureKind.ModelNotLoaded } && pending is { IsSuspect: false, IsUnversioned: true })
        {
            choice = ChooseOther(pending, now) ?? choice;
        }

        if ((choice.Route?.Model ?? pending.Model) is { } model && Suspects.Keeps(pending, model, now, out ForwardReply.Failed? refusal))
        {
            if (refusal is not null)
            {
                Answer(pending, refusal);
            }
        }
        else if (choice.Route is not null)
        {
            Begin(pending, choice, now);
        }
        else if (Waits(pending, choice.Kind))
        {
            _homeless.Add(pending);
        }
        else
        {
            Answer(pending, pending.LastFailure ?? new ForwardReply.Failed(pending.Forward.Id, choice.Kind, choice.Detail));
        }
    }

    /// <summary>The version that it was given has gone before it came there: another, if there is one by now.</summary>
    private RouteChoice? ChooseOther(PendingForward pending, TimeSpan now)
    {
        Forward gone = pending.Forward;
        Forward other = _versions.Resolve(gone with { Model = new ModelReference(gone.Model.Name) });
        if (other.Model.Number is null || other.Model == gone.Model)
        {
            return null;
        }

        pending.Take(other);
        return _chooser.Choose(pending, now);
    }

    /// <summary>A node has sent it back; a suspect, whose place does not change at once, waits a tick.</summary>
    public void Bounce(PendingForward pending, NodeId by, TimeSpan now)
    {
        if (!HasGivenWay(pending))
        {
            (pending.Bounced ??= []).Add(by);
        }

        Begin(pending, now);
        if (pending.IsSuspect)
        {
            Suspects.Pause(pending);
        }
    }

    /// <summary>The present attempt was lost before anything had begun with it. A suspect stands where others end what runs them: its
    /// losses are not counted.</summary>
    public void LoseUnlaunched(PendingForward pending, TimeSpan now)
    {
        if (pending.IsSuspect || ++pending.Losses % EagerAttempts != 0)
        {
            Begin(pending, now);
        }
        else
        {
            _homeless.Add(pending);
        }
    }

    /// <summary>The present attempt was lost after it had been launched, or may have been.</summary>
    /// <param name="wasAlone">Nothing else was launched in what was lost.</param>
    /// <param name="where">What was lost.</param>
    public void LoseLaunched(PendingForward pending, bool wasAlone, string where, TimeSpan now)
    {
        if (Suspects.Retries(pending, wasAlone, where, now, out ForwardReply.Failed? verdict))
        {
            Begin(pending, now);
        }
        else
        {
            Answer(pending, verdict);
        }
    }

    /// <summary>Starts the next of each line of suspects whose turn it is.</summary>
    public void RunSuspects(TimeSpan now)
    {
        foreach (SuspectLine line in Suspects.Lines)
        {
            while (Suspects.TryNext(line, now, out PendingForward? pending, out RouteChoice choice, out ForwardReply.Failed? refusal))
            {
                if (refusal is not null)
                {
                    Answer(pending, refusal);
                }
                else
                {
                    Begin(pending, choice, now);
                }
            }
        }
    }

    /// <summary>Those that found no place look again.</summary>
    public void Tick(TimeSpan now)
    {
        Resume(now);
        Suspects.Tick();
        RunSuspects(now);
    }

    /// <summary>A device may have come back.</summary>
    public void Resume(TimeSpan now)
    {
        if (_homeless.Count > 0)
        {
            PendingForward[] homeless = [.. _homeless];
            _homeless.Clear();
            foreach (PendingForward pending in homeless.Where(pending => !pending.IsAnswered))
            {
                pending.Bounced = null;
                Begin(pending, now);
            }
        }
    }

    /// <summary>The present attempt goes on without anybody waiting for it: queued work is removed, launched work finishes
    /// unseen.</summary>
    public void Withdraw(PendingForward pending)
    {
        _audit.Withdraw(pending);
        Suspects.Withdrawn.Add(pending);
        if (pending.Gpu is { } gpu)
        {
            _decisions.Add(RouterDecision.Drop(gpu.Id.Ordinal, pending.Forward.Id, pending.Attempt));
        }
        else if (pending.Node is { } node)
        {
            _decisions.Add(RouterDecision.Abandon(node.Id, pending.Forward.Id, pending.Attempt));
        }

        End(pending);
    }

    /// <summary>The present attempt has ended, or nobody waits for it.</summary>
    public void End(PendingForward pending)
    {
        if (pending.Node is { } node)
        {
            node.Outstanding--;
        }

        pending.Node = null;
        pending.Gpu = null;
        Suspects.End(pending);
    }

    public void Answer(PendingForward pending, ForwardReply reply)
    {
        if (reply is ForwardReply.Succeeded)
        {
            Suspects.Acquit(pending);
        }

        SuspectLine.Leave(pending);
        _pending.Answer(pending, reply);
    }

    /// <summary>It met the end of a version whose place other content has taken: nobody sent it back for want of room.</summary>
    private bool HasGivenWay(PendingForward pending) =>
        pending is { Model: { } tried, LastFailure.Kind: FailureKind.ModelNotLoaded }
        && _table.Routes.Find(tried.ToReference()) is { } route
        && route.Model != tried;

    /// <summary>Room comes, and devices come back: who was lost before it had begun did nothing but wait in the wrong place, and who
    /// comes while devices are rebuilt waits with it, as far as a queue goes.</summary>
    private bool Waits(PendingForward pending, FailureKind kind) =>
        pending.Losses > 0
            ? kind is FailureKind.QueueFull or FailureKind.DeviceLost
            : (kind == FailureKind.DeviceLost || IsAwayElsewhere(pending, kind)) && _homeless.Count < MostNewcomers;

    /// <summary>All others are full or have sent it back, one of them because its devices are being rebuilt.</summary>
    private static bool IsAwayElsewhere(PendingForward pending, FailureKind kind) =>
        kind == FailureKind.QueueFull && pending.LastFailure is { Kind: FailureKind.DeviceLost };

    private void Begin(PendingForward pending, in RouteChoice choice, TimeSpan now)
    {
        ModelRoute route = choice.Route!;
        pending.Attempt++;
        RouterAudit.Dispatch(pending);
        pending.Model = route.Model;
        pending.SafeToResend = route.SafeToResend;
        if (choice.Gpu is { } gpu)
        {
            pending.Gpu = gpu;
            _table.Use(gpu);
            var dispatch = new DispatchForward(pending.Forward, route.Model, pending.Attempt, pending.Deadline, null)
            {
                Suspicion = pending.IsSuspect ? ForwardSuspicion.Suspect : ForwardSuspicion.None,
                LeasesFrom = pending.Sink.LeasesFrom,
            };
            _decisions.Add(RouterDecision.Dispatch(gpu.Id.Ordinal, dispatch));
        }
        else if (choice.Node is { } node)
        {
            pending.Node = node;
            node.Outstanding++;
            Forward forward = pending.Forward with
            {
                Model = route.Model.ToReference(),
                Inputs = pending.Forward.Inputs.Copied(),
                TimeLeft = pending.Deadline - now,
                Gpu = pending.Forward.Gpu ?? choice.Wanted,
            };
            _decisions.Add(RouterDecision.Send(node.Id, new RouteForward(forward, pending.Attempt, pending.IsSuspect, route.Model.Hash)));
        }
    }
}

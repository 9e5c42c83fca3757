using System.Diagnostics.CodeAnalysis;
using Troupe.Actors.Decisions;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>What becomes of forwards that may have caused a crash: each runs once more, alone and in its turn; one that is lost again is
/// guilty, and its content is refused for a while, here and by all other routers.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterCore"/> and of its thread. <b>Owns</b> the lines and what is held against
/// contents.</remarks>
internal sealed class Suspects(RoutingTable table, RouteChooser chooser, DecisionQueue<RouterDecision, IRouterShell> decisions)
{
    /// <summary>Guilty forwards in one message: well below what a message may carry.</summary>
    private const int PageLength = 128;

    private readonly Suspicions _suspicions = new();
    private readonly Dictionary<ModelVersion, SuspectLine> _lines = [];

    /// <summary>Lines in which somebody waits or runs.</summary>
    public IReadOnlyList<SuspectLine> Lines => _lines.Count == 0 ? [] : [.. _lines.Values];

    /// <summary>Whether a forward that is about to be dispatched runs alone instead, which it waits for in its line, or not at
    /// all.</summary>
    /// <param name="refusal">Why it does not run; null when it does.</param>
    public bool Keeps(PendingForward pending, ModelVersion model, TimeSpan now, out ForwardReply.Failed? refusal)
    {
        refusal = null;
        if (pending.IsSuspect)
        {
            Add(pending, model);
            return true;
        }

        if (!_suspicions.Knows(model))
        {
            return false;
        }

        switch (SuspicionOf(pending, model, now, out refusal))
        {
            case Suspicion.None:
                return false;
            case Suspicion.Suspect when pending.Attempt == 0 && _lines.TryGetValue(model, out SuspectLine? line) && line.IsFull:
                refusal = new ForwardReply.Failed(
                    pending.Forward.Id,
                    FailureKind.QueueFull,
                    $"Model '{model}' runs such forwards one after another since some ended what ran them, and {SuspectLine.Limit} wait. Send fewer at once, or try again."
                );
                return true;
            case Suspicion.Suspect:
                pending.IsSuspect = true;
                pending.Notes!.MayBeGuilty = _suspicions.Holds(pending.Notes.Content!.Value);
                Add(pending, model);
                return true;
            default:
                return true;
        }
    }

    /// <summary>A launched forward was lost with what ran it. False when it is answered with <paramref name="verdict"/>: it is guilty, or
    /// must not run twice.</summary>
    /// <param name="wasAlone">Nothing else was launched in what was lost.</param>
    /// <param name="where">What was lost.</param>
    public bool Retries(
        PendingForward pending,
        bool wasAlone,
        string where,
        TimeSpan now,
        [NotNullWhen(false)] out ForwardReply.Failed? verdict
    )
    {
        ForwardContent content = ContentOf(pending, pending.Model!);
        ForwardReply.Failed failure = pending.LastFailure!;
        if (Convicts(content, pending.IsLastRun, wasAlone, ref where, now))
        {
            verdict = failure with
            {
                Detail =
                    $"The forward was lost with {where}, and is not run again: {failure.Detail} Its inputs are refused for {Suspicions.Kept.TotalMinutes:0} minutes.",
            };
            return false;
        }

        if (!pending.SafeToResend)
        {
            // Its caller may send it again, and to any node.
            Tell(Suspicions.ToldSuspect(content, where));
        }

        verdict = pending.SafeToResend ? null : failure;
        pending.IsSuspect = pending.SafeToResend;
        pending.Notes!.MayBeGuilty = true;
        return pending.SafeToResend;
    }

    /// <summary>The next of a line and where it runs; false when none may start now. One that cannot run has a
    /// <paramref name="refusal"/>.</summary>
    public bool TryNext(
        SuspectLine line,
        TimeSpan now,
        [NotNullWhen(true)] out PendingForward? pending,
        out RouteChoice choice,
        out ForwardReply.Failed? refusal
    )
    {
        choice = default;
        refusal = null;
        pending = null;
        for (int left = line.Waiting.Count; left > 0 && line.Next() is { } next; left--)
        {
            pending = next;
            if (SuspicionOf(pending, line.Model, now, out refusal) == Suspicion.Guilty)
            {
                return true;
            }

            choice = Choose(pending, line, now);
            if (choice.Route is not null)
            {
                line.Start(choice.Gpu);
                return true;
            }

            if (choice.Kind is not (FailureKind.QueueFull or FailureKind.DeviceLost))
            {
                refusal = pending.LastFailure ?? new ForwardReply.Failed(pending.Forward.Id, choice.Kind, choice.Detail);
                return true;
            }

            // Room comes, and devices come back; what waits for one device of its own keeps no other waiting.
            if (pending.Forward.Gpu is null || left == 1)
            {
                line.Pause();
                return false;
            }

            line.Postpone();
        }

        if (line.TryClose())
        {
            _lines.Remove(line.Model);
        }

        return false;
    }

    /// <summary>The attempt of a suspect has ended, or nobody waits for it.</summary>
    public void End(PendingForward pending)
    {
        if (pending is { IsSuspect: true, Model: { } model } && _lines.TryGetValue(model, out SuspectLine? line))
        {
            line.End(pending);
        }
    }

    /// <summary>Attempts that were given up: what comes of one is still held against its content.</summary>
    public WithdrawnForwards Withdrawn { get; } = new();

    /// <summary>An attempt that was given up has ended.</summary>
    /// <param name="isLost">With what ran it.</param>
    /// <param name="wasAlone">Nothing else was launched in what was lost.</param>
    public void EndWithdrawn(RequestId id, int attempt, bool isLost, bool wasAlone, string where, TimeSpan now)
    {
        if (!Withdrawn.TryRemove(id, attempt, out WithdrawnForward? withdrawn))
        {
            return;
        }

        if (isLost && withdrawn.Content is var content && !Convicts(content, withdrawn.WasLastRun, wasAlone, ref where, now))
        {
            Tell(Suspicions.ToldSuspect(content, where));
        }

        withdrawn.Return();
    }

    /// <summary>A node is lost with all that it may have run of those that were given up.</summary>
    public void EndWithdrawnOn(NodeId node, TimeSpan now)
    {
        foreach (WithdrawnForward withdrawn in Withdrawn.RemoveAllOn(node))
        {
            string where = $"node {node}";
            Convicts(withdrawn.Content, withdrawn.WasLastRun, wasAlone: false, ref where, now);
        }
    }

    /// <summary>The line of this suspect, which waits in it, looks for a place at the next tick and not before.</summary>
    public void Pause(PendingForward pending) => _lines[pending.Model!].Pause();

    /// <summary>A forward has succeeded, and with it its content: others of that are not guilty by one more loss.</summary>
    public void Acquit(PendingForward pending)
    {
        if (pending.Notes?.Content is { } content)
        {
            if (_suspicions.Acquit(content) && _lines.TryGetValue(content.Model, out SuspectLine? line))
            {
                line.Acquit(content);
            }
        }
    }

    /// <summary>Lines that found no place look again.</summary>
    public void Tick()
    {
        foreach (SuspectLine line in _lines.Values)
        {
            line.Resume();
        }
    }

    public void UpdateFrom(GuiltyForwards told, TimeSpan now) => _suspicions.UpdateFrom(told, now);

    /// <summary>A member that comes hears which contents are refused.</summary>
    public void Introduce(NodeId node, TimeSpan now)
    {
        foreach (LostContent[] page in _suspicions.Guilty(now).Chunk(PageLength))
        {
            var told = new GuiltyForwards([.. page.Select(guilty => Suspicions.Told(guilty, now))]);
            decisions.Add(RouterDecision.TellGuilty(node, told));
        }
    }

    /// <summary>Whether a forward that was lost is guilty by that; the other routers hear of it.</summary>
    private bool Convicts(ForwardContent content, bool wasLastRun, bool wasAlone, ref string where, TimeSpan now)
    {
        if (!_suspicions.Convicts(content, wasLastRun, wasAlone, ref where, now))
        {
            return false;
        }

        Tell(Suspicions.Told(_suspicions.Guilty(now).Last(guilty => guilty.Content == content), now));
        return true;
    }

    private RouteChoice Choose(PendingForward pending, SuspectLine line, TimeSpan now)
    {
        RouteChoice choice = _suspicions.IsConfined(line.Model, now)
            ? chooser.ChooseConfined(pending, line, now)
            : chooser.ChooseAlone(pending, line, now);
        return choice.Route is not { } route || route.Model == line.Model
            ? choice
            : RouteChoice.Nowhere(
                FailureKind.ModelNotLoaded,
                $"Model '{line.Model}', which this forward was for, has been replaced by another of its number. Send it again."
            );
    }

    private Suspicion SuspicionOf(PendingForward pending, ModelVersion model, TimeSpan now, out ForwardReply.Failed? refusal)
    {
        Suspicion suspicion = _suspicions.Of(ContentOf(pending, model), now, out string where);
        refusal =
            suspicion == Suspicion.Guilty
                ? new ForwardReply.Failed(
                    pending.Forward.Id,
                    FailureKind.BackendFailed,
                    $"Model '{model}' is not run on these inputs: they were lost with {where}. They are refused for {Suspicions.Kept.TotalMinutes:0} minutes after that; send others, or mend the model."
                )
                : null;
        return suspicion;
    }

    private static ForwardContent ContentOf(PendingForward pending, ModelVersion model)
    {
        SuspectNotes notes = pending.EnsureNotes();
        if (notes.Content is not { } content || content.Model != model)
        {
            notes.Content = content = ForwardContent.Of(model, pending.Forward.Inputs);
        }

        return content;
    }

    private void Add(PendingForward pending, ModelVersion model)
    {
        if (!_lines.TryGetValue(model, out SuspectLine? line))
        {
            _lines.Add(model, line = new SuspectLine(model));
        }

        pending.Model = model;
        line.Add(pending);
    }

    private void Tell(GuiltyForward forward)
    {
        var told = new GuiltyForwards([forward]);
        foreach (RemoteNode node in table.Nodes)
        {
            if (node.Reachable)
            {
                decisions.Add(RouterDecision.TellGuilty(node.Id, told));
            }
        }
    }
}

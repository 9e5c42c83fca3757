using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Where a coordinated change stands.</summary>
internal enum ModePhase
{
    /// <summary>GPUs are asked; nothing has changed.</summary>
    Preparing,

    /// <summary>Applied here and told to all; acknowledgements are coming in.</summary>
    Committing,

    /// <summary>Taken back; acknowledgements of that are coming in.</summary>
    Compensating,
}

/// <summary>A request that its directory coordinates, from its arrival to its one answer.</summary>
internal sealed class ModeOperation(long change, IReplyTo<ModeReply> asker, ModeScope scope)
{
    /// <summary>By which participants answer; another one for compensation.</summary>
    public long Change { get; set; } = change;

    public IReplyTo<ModeReply> Asker { get; } = asker;

    public ModeScope Scope { get; } = scope;

    /// <summary>What is set or entered; null for ends, renewals and explanations.</summary>
    public ModeEntry? Entry { get; init; }

    /// <summary>The answer when all is well.</summary>
    public required Func<ModeOperation, ModeReply> Success { get; init; }

    public ModePhase Phase { get; set; }

    public TimeSpan Deadline { get; set; }

    public HashSet<NodeId> Waiting { get; } = [];

    public List<GpuId> Applied { get; } = [];

    /// <summary>What of <see cref="Applied"/> the answer names; set when it succeeds.</summary>
    public GpuId[] Reached { get; set; } = [];

    public List<ModeObstacle> NotReached { get; } = [];

    public List<ModeObstacle> Refusals { get; } = [];

    /// <summary>Of the first refusal; the answer's kind.</summary>
    public FailureKind? RefusalKind { get; set; }

    public string RefusalDetail { get; set; } = "";

    /// <summary>How long silent members are waited for, as the next tick finds it: an answer after the end of a lease would have its holder
    /// believe in what is over. What nobody can refuse waits a quarter of it, for who has not heard hears by the exchange; what is entered
    /// half, for it is refused then. Null where there is no lease.</summary>
    public TimeSpan? AnswerWithin(IReadOnlyList<ModeEntry> told) =>
        told is [{ End: null, Lease: { } lease }, ..] ? lease.Left / (Entry is null ? 4 : 2) : null;

    /// <summary>A participant that can be reached and does not answer refuses a change; an end or an explanation only misses it.</summary>
    public void NoteSilence(NodeId node, GpuId? gpu, string reason)
    {
        if (Entry is null || Phase == ModePhase.Compensating)
        {
            NotReached.Add(new ModeObstacle(node, gpu, reason));
            return;
        }

        Refusals.Add(new ModeObstacle(node, gpu, reason));
        RefusalKind ??= FailureKind.DeadlineExceeded;
        RefusalDetail =
            RefusalDetail.Length > 0 ? RefusalDetail : $"Not acknowledged in time and taken back: {gpu?.ToString() ?? node.ToString()}.";
    }

    public void NoteObjections(IEnumerable<ModeObjection> objections)
    {
        foreach (ModeObjection objection in objections)
        {
            var obstacle = new ModeObstacle(objection.Gpu.Node, objection.Gpu, $"Model '{objection.Model}': {objection.Reason}");
            if (!objection.Refuses || Entry is null)
            {
                if (!NotReached.Contains(obstacle))
                {
                    NotReached.Add(obstacle);
                }

                continue;
            }

            Refusals.Add(obstacle);
            RefusalKind ??= objection.Kind;
            RefusalDetail = RefusalDetail.Length > 0 ? RefusalDetail : objection.Reason;
        }
    }
}

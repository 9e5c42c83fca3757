using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Counts, for the scopes that asked for it, what the origin router decides and hears of its forwards.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterCore"/> and of its thread. <b>Owns</b> the notes of attempts that were given up while a
/// GPU of this node had them: each is released once.</remarks>
internal sealed class RouterAudit(AuditLedger ledger)
{
    private readonly Dictionary<(RequestId Id, int Attempt), AuditCounts> _withdrawn = [];

    public void Accept(PendingForward pending)
    {
        Forward forward = pending.Forward;
        if (!ledger.IsAsked(forward))
        {
            return;
        }

        pending.Audit = ledger.Find(forward, forward.Model);
        pending.Audit?.Accept();
    }

    public static void Dispatch(PendingForward pending)
    {
        if (pending.Attempt > 1)
        {
            pending.Audit?.Redispatch();
        }
    }

    /// <summary>An attempt has ended; late, when another one is awaited by now.</summary>
    public static void End(PendingForward pending, ForwardOutcome outcome)
    {
        if (outcome.Launched)
        {
            pending.Audit?.Execute(isLate: outcome.Attempt != pending.Attempt);
        }
    }

    /// <summary>The current attempt is given up: if a GPU of this node has launched it, its release will say so.</summary>
    public void Withdraw(PendingForward pending)
    {
        if (pending is { Audit: { } counts, Gpu: not null })
        {
            _withdrawn[(pending.Forward.Id, pending.Attempt)] = counts;
        }
    }

    public void Release(GpuRelease release)
    {
        if (_withdrawn.Count > 0 && _withdrawn.Remove((release.Id, release.Attempt), out AuditCounts? counts) && release.Launched)
        {
            counts.Execute(isLate: true);
        }
    }

    public static void Answer(PendingForward pending, ForwardReply reply) => pending.Audit?.Answer(reply);
}

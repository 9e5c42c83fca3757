using Prometheus;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of what the mode <c>audit</c> counts, by the kind of scope that asked for it: four, however many models and sessions
/// do.</summary>
/// <remarks><b>Thread</b> that of <see cref="NodeMetrics"/>.</remarks>
internal sealed class ModeAuditMetrics(IMetricFactory factory)
{
    private readonly (Counter Counter, Func<AuditTally, long> Value)[] _counters =
    [
        (Of(factory, "accepted", "Audited forwards that the router accepted"), tally => tally.Accepted),
        (Of(factory, "succeeded", "Audited forwards that succeeded"), tally => tally.Succeeded),
        (Of(factory, "redispatched", "Attempts at audited forwards after the first"), tally => tally.Redispatched),
        (Of(factory, "executed", "Attempts at audited forwards that a device launched"), tally => tally.Executed),
        (Of(factory, "late", "Launched attempts at audited forwards whose result nobody waited for any more"), tally => tally.Late),
    ];
    private readonly Counter _failed = factory.CreateCounter(
        "troupe_audit_failed_total",
        "Audited forwards that failed, by kind of failure",
        ["scope", "kind"]
    );

    public void Refresh(IReadOnlyList<KeyValuePair<string, AuditTally>> audit)
    {
        foreach ((string scope, AuditTally tally) in audit)
        {
            foreach ((Counter counter, Func<AuditTally, long> value) in _counters)
            {
                counter.Raise(value(tally), scope);
            }

            foreach ((FailureKind kind, long count) in tally.Failed)
            {
                _failed.Raise(count, scope, ModeSpelling.Of(kind.ToString()));
            }
        }
    }

    private static Counter Of(IMetricFactory factory, string what, string help) =>
        factory.CreateCounter($"troupe_audit_{what}_total", help, ["scope"]);
}

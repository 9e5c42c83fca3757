using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Counts;

/// <summary>Where the mode <c>audit</c> acts: which scope, if any, counts a forward, and what each has counted.</summary>
/// <remarks>
/// Counts stay when the mode ends, until the process does; of more than <see cref="MaximumScopes"/> scopes those go first for which it
/// ended before others were counted, and only the sums of their kind keep them.
/// <b>Owns</b> the counts. <b>Thread</b> the mode directory says what holds, the router asks and counts, any reads. <b>Blocks</b> the
/// directory and readers for each other's short moments, the router never.
/// </remarks>
internal sealed class AuditLedger
{
    public const int MaximumScopes = 256;

    private readonly Lock _gate = new();
    private readonly OrderedDictionary<ModeScope, AuditCounts> _scopes = [];
    private readonly OrderedDictionary<string, AuditCounts> _kinds = new()
    {
        ["cluster"] = new AuditCounts(null),
        ["model"] = new AuditCounts(null),
        ["session"] = new AuditCounts(null),
        ["call"] = new AuditCounts(null),
    };
    private readonly AuditCounts _call;
    private ModesInForce _modes = ModesInForce.None;
    private volatile Rule[] _rules = [];

    public AuditLedger() => _call = _kinds["call"];

    /// <summary>A baseline or entry that sets the mode.</summary>
    /// <param name="Counts">Null where it switches it off.</param>
    private sealed record Rule(ModeScope Scope, AuditCounts? Counts);

    /// <summary>From now on forwards are counted as these modes say.</summary>
    public void UpdateFrom(ModesInForce modes)
    {
        if (ReferenceEquals(modes, _modes))
        {
            return;
        }

        lock (_gate)
        {
            _modes = modes;
            ModeEntry[] entries = [.. modes.Entries.Where(entry => entry.Change.Audit is not null).Reverse()];
            HashSet<ModeScope> live = [.. entries.Where(entry => entry.Change.Audit == true).Select(entry => entry.Scope)];
            _rules = [.. entries.Select(entry => new Rule(entry.Scope, entry.Change.Audit == true ? CountsOf(entry.Scope, live) : null))];
        }
    }

    /// <summary>The counts of the scope that a forward is counted for; null when it is not.</summary>
    /// <param name="model">The version it is for, as far as it is known yet.</param>
    public AuditCounts? Find(Forward forward, ModelReference model)
    {
        if (forward.Modes?.Audit is { } asked)
        {
            return asked ? _call : null;
        }

        Rule[] rules = _rules;
        if (rules.Length > 0)
        {
            var target = new ModeTarget(Model: model, Session: forward.Session);
            foreach (Rule rule in rules)
            {
                if (target.IsIn(rule.Scope))
                {
                    return rule.Counts;
                }
            }
        }

        return null;
    }

    /// <summary>Some forward may be counted.</summary>
    public bool IsAsked(Forward forward) => _rules.Length > 0 || forward.Modes?.Audit is not null;

    /// <summary>What scopes that overlap another have counted; what calls asked for themselves belongs to the cluster.</summary>
    public AuditRow[] Read(ModeScope within)
    {
        lock (_gate)
        {
            IEnumerable<AuditRow> rows = _scopes
                .Where(scope => ModeScopes.Overlap(scope.Key, within))
                .Select(scope => new AuditRow(scope.Key, scope.Value.Read()));
            AuditTally calls = _call.Read();
            return within == ModeScope.Cluster && calls.Accepted > 0 ? [.. rows, new AuditRow(null, calls)] : [.. rows];
        }
    }

    /// <summary>The sums by kind of scope.</summary>
    public IReadOnlyList<KeyValuePair<string, AuditTally>> ReadKinds() =>
        [.. _kinds.Select(kind => KeyValuePair.Create(kind.Key, kind.Value.Read()))];

    private AuditCounts CountsOf(ModeScope scope, HashSet<ModeScope> live)
    {
        if (_scopes.Remove(scope, out AuditCounts? counts))
        {
            // Counted for again, it is the last to go.
            _scopes.Add(scope, counts);
            return counts;
        }

        AuditCounts ofKind = _kinds[
            scope.Session is not null ? "session"
            : scope.Model is not null ? "model"
            : "cluster"
        ];
        if (_scopes.Count >= MaximumScopes)
        {
            ModeScope? over = _scopes.Keys.FirstOrDefault(known => !live.Contains(known));
            if (over is null)
            {
                return ofKind;
            }

            _scopes.Remove(over);
        }

        counts = new AuditCounts(ofKind);
        _scopes.Add(scope, counts);
        return counts;
    }
}

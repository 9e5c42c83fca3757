using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What holds for forwards that name no version: the mode <c>version</c> of their scope, and below it what this node was started
/// with.</summary>
/// <remarks><b>Thread</b> the mode directory says what holds, any asks. <b>Blocks</b> nobody.</remarks>
internal sealed class VersionRules(IReadOnlyDictionary<string, VersionRule> ofNode)
{
    private ModesInForce _modes = ModesInForce.None;
    private volatile Dictionary<(SessionId? Session, string? Model), VersionRule> _rules = [];
    private volatile int _epoch;

    /// <summary>Rises with every change.</summary>
    public int Epoch => _epoch;

    public void UpdateFrom(ModesInForce modes)
    {
        if (ReferenceEquals(modes, _modes))
        {
            return;
        }

        // The strongest comes last, and within a scope the newest.
        _modes = modes;
        Dictionary<(SessionId? Session, string? Model), VersionRule> rules = [];
        foreach (ModeEntry entry in modes.Entries)
        {
            if (entry.Change.Version is { } choice)
            {
                rules[(entry.Scope.Session, entry.Scope.Model?.Name)] = VersionRule.Of(choice) ?? VersionRule.Default;
            }
        }

        if (rules.Count > 0 || _rules.Count > 0)
        {
            _rules = rules;
            _epoch++;
        }
    }

    /// <summary>The rule for the forwards of a model.</summary>
    public VersionRule Of(string model, SessionId? session = null, ModeChange? call = null)
    {
        if (call?.Version is { } asked)
        {
            return VersionRule.Of(asked) ?? VersionRule.Default;
        }

        Dictionary<(SessionId? Session, string? Model), VersionRule> rules = _rules;
        VersionRule? rule = null;
        bool isSaid =
            rules.Count > 0
            && (
                (session is not null && (rules.TryGetValue((session, model), out rule) || rules.TryGetValue((session, null), out rule)))
                || rules.TryGetValue((null, model), out rule)
                || rules.TryGetValue((null, null), out rule)
            );
        return isSaid ? rule! : ofNode.GetValueOrDefault(model, VersionRule.Default);
    }
}

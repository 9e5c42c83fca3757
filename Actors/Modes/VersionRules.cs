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
    private volatile Rule[] _rules = [];
    private volatile int _epoch;

    /// <summary>Rises with every change.</summary>
    public int Epoch => _epoch;

    private sealed record Rule(ModeScope Scope, VersionRule Is);

    public void UpdateFrom(ModesInForce modes)
    {
        if (!ReferenceEquals(modes, _modes))
        {
            _modes = modes;
            _rules =
            [
                .. from entry in modes.Entries.Reverse()
                where entry.Change.Version is not null
                select new Rule(entry.Scope, VersionRule.Of(entry.Change.Version!.Value) ?? VersionRule.Default),
            ];
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

        var target = new ModeTarget(Model: new ModelReference(model), Session: session);
        foreach (Rule rule in _rules)
        {
            if (target.IsIn(rule.Scope))
            {
                return rule.Is;
            }
        }

        return ofNode.GetValueOrDefault(model, VersionRule.Default);
    }
}

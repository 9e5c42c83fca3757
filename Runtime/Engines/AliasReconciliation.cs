using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>Brings together the aliases that a module declares and those that its engine enforces: of the kinds that the engine enforces
/// it is right, what the module's author declares is kept (torch_tensorrt does the same).</summary>
internal static class AliasReconciliation
{
    /// <param name="own">What the engine enforces.</param>
    /// <param name="declared">What the module says.</param>
    /// <param name="warnings">A line for each contradiction.</param>
    public static IReadOnlyList<AliasSpec> Of(
        string engine,
        IReadOnlyList<AliasSpec> own,
        IReadOnlyList<AliasSpec> declared,
        out IReadOnlyList<string> warnings
    )
    {
        var said = new List<string>();
        var aliases = new List<AliasSpec>();
        foreach (AliasSpec enforced in own)
        {
            AliasSpec? other = declared.FirstOrDefault(alias => alias.Output == enforced.Output && alias.Input != enforced.Input);
            AliasSpec kept = other is { Kind: AliasKind.User } ? other : enforced;
            if (other is not null)
            {
                said.Add(
                    $"The output '{enforced.Output}' of '{engine}' is declared in place of '{other.Input}', and its engine names '{enforced.Input}'; '{kept.Input}' is taken."
                );
            }

            aliases.Add(kept);
        }

        aliases.AddRange(declared.Where(alias => own.All(enforced => enforced.Output != alias.Output)));
        warnings = said;
        return aliases;
    }
}

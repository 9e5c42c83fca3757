using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>The record form of aliased tensors: <c>output@input@kind</c> joined by <c>%</c>.</summary>
internal static class AliasText
{
    public const string KvCacheUpdate = "kv_cache_update";
    public const string User = "user";

    /// <summary>Reads aliases as the seed does: an entry of another form is passed over, and a kind that it does not know is that which
    /// the engine enforces.</summary>
    /// <param name="warnings">Told of either.</param>
    public static AliasSpec[] Parse(string text, string where, List<string> warnings)
    {
        var aliases = new List<AliasSpec>();
        foreach (string entry in text.Length == 0 ? [] : text.Split('%'))
        {
            string[] parts = entry.Split('@');
            if (parts.Length == 3 && parts[0].Length > 0 && parts[1].Length > 0)
            {
                aliases.Add(new AliasSpec(parts[0], parts[1], Kind(parts[2], where, warnings)));
            }
            else
            {
                warnings.Add($"{where}: the alias '{Shown.Of(entry)}' is not output@input@kind and is passed over");
            }
        }

        return [.. aliases];
    }

    public static string Write(IReadOnlyList<AliasSpec> aliases) =>
        string.Join('%', aliases.Select(alias => $"{alias.Output}@{alias.Input}@{Spelling(alias.Kind)}"));

    public static AliasKind Kind(string text, string where, List<string> warnings)
    {
        if (text is not (KvCacheUpdate or User))
        {
            warnings.Add(
                $"{where}: the alias kind '{Shown.Of(text)}' is neither {KvCacheUpdate} nor {User} and is read as {KvCacheUpdate}"
            );
        }

        return text == User ? AliasKind.User : AliasKind.KvCacheUpdate;
    }

    public static string Spelling(AliasKind kind) =>
        kind switch
        {
            AliasKind.KvCacheUpdate => KvCacheUpdate,
            AliasKind.User => User,
        };

    /// <summary>Every alias names an input and an output of its engine, an output once.</summary>
    public static void Check(IReadOnlyList<AliasSpec> aliases, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs, string where)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        HashSet<string> knownInputs = [.. inputs];
        HashSet<string> knownOutputs = [.. outputs];
        foreach (AliasSpec alias in aliases)
        {
            if (!seen.Add(alias.Output))
            {
                throw ArtifactException.Corrupt(where, $"the output '{Shown.Of(alias.Output)}' is aliased twice");
            }

            if (inputs.Count + outputs.Count > 0 && (!knownInputs.Contains(alias.Input) || !knownOutputs.Contains(alias.Output)))
            {
                throw ArtifactException.Corrupt(
                    where,
                    $"the alias of '{Shown.Of(alias.Output)}' to '{Shown.Of(alias.Input)}' names no output and input of the engine"
                );
            }
        }
    }
}

using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>How values of one kind are written, read and checked; modes of the same kind share it.</summary>
/// <param name="Words">Its values in a sentence.</param>
/// <param name="Schema">Its values for machines.</param>
/// <param name="Read">Null for text that is no such value.</param>
/// <param name="Write">What <paramref name="Read"/> reads back.</param>
/// <param name="Invalid">Why a value can hold nowhere; null when it can.</param>
internal sealed record ModeForm<T>(
    string Words,
    ModeSchema Schema,
    Func<string, T?> Read,
    Func<T, string> Write,
    Func<T, ModeRefusal?>? Invalid = null
)
    where T : struct;

/// <summary>The kinds of values there are.</summary>
internal static class ModeForms
{
    public static ModeForm<bool> OnOff { get; } =
        new(
            "on or off",
            new ModeSchema(["on", "off"], "boolean"),
            static text =>
                text.Trim().ToLowerInvariant() switch
                {
                    "on" or "true" => true,
                    "off" or "false" => false,
                    _ => null,
                },
            static value => value ? "on" : "off"
        );

    public static ModeForm<ProfileChoice> Profile { get; } =
        new(
            "auto or an index from 0",
            new ModeSchema(["auto"], "integer"),
            static text =>
                ModeSpelling.AreSame(text.Trim(), "auto") ? ProfileChoice.Auto
                : int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out int index) ? ProfileChoice.Pinned(index)
                : null,
            static choice => choice.Index?.ToString(CultureInfo.InvariantCulture) ?? "auto",
            static choice =>
                choice.Index is < 0 and var index
                    ? new ModeRefusal(FailureKind.InvalidRequest, $"Optimization profile index {index} is negative; profiles count from 0.")
                    : null
        );

    public static ModeForm<WeightBudget> Budget { get; } =
        new(
            "automatic, a number of bytes, or a percentage of the streamable weights such as 70%",
            new ModeSchema(["automatic"], "string"),
            ReadBudget,
            static budget =>
                budget.Kind switch
                {
                    WeightBudgetKind.Automatic => "automatic",
                    WeightBudgetKind.Bytes => budget.ByteCount.ToString(CultureInfo.InvariantCulture),
                    WeightBudgetKind.Fraction => Percent(budget.Share),
                },
            InvalidBudget
        );

    /// <summary>A file that is called as one of the words is written with <c>./</c> before it.</summary>
    public static ModeForm<RuntimeCacheChoice> Cache { get; } =
        new(
            "none, memory or a name in the node's cache folder",
            new ModeSchema(["none", "memory"], "string"),
            static text =>
                string.IsNullOrWhiteSpace(text) ? null
                : CacheWord(text) is { } word ? word
                : RuntimeCacheChoice.File(
                    text.StartsWith("./", StringComparison.Ordinal) && CacheWord(text[2..]) is not null ? text[2..] : text
                ),
            static choice =>
                choice.Path switch
                {
                    null => "none",
                    "" => "memory",
                    string path => CacheWord(path) is null ? path : "./" + path,
                },
            static choice =>
                choice.Path is { } path && (path.Length > ModeLimits.MaximumPathLength || path.Contains('\0', StringComparison.Ordinal))
                    ? new ModeRefusal(
                        FailureKind.InvalidRequest,
                        $"The path of the runtime cache is no file name: at most {ModeLimits.MaximumPathLength} characters, none of them NUL."
                    )
                    : null
        );

    /// <summary>The values of an enum, by their names.</summary>
    public static ModeForm<T> Named<T>()
        where T : struct, Enum
    {
        (T Value, string Word)[] values = [.. Enum.GetValues<T>().Select(value => (value, ModeSpelling.Of(value.ToString())))];
        string[] words = [.. values.Select(value => value.Word)];
        string sentence = $"{string.Join(", ", words[..^1])} or {words[^1]}";
        return new ModeForm<T>(
            sentence,
            new ModeSchema(words),
            text =>
            {
                string key = ModeSpelling.Key(text.Trim());
                foreach ((T value, string word) in values)
                {
                    if (ModeSpelling.Key(word) == key)
                    {
                        return value;
                    }
                }

                return null;
            },
            value => ModeSpelling.Of(value.ToString()),
            value =>
                Enum.IsDefined(value)
                    ? null
                    : new ModeRefusal(FailureKind.InvalidRequest, $"{typeof(T).Name} has no value {value:D}; it is {sentence}.")
        );
    }

    private static RuntimeCacheChoice? CacheWord(string text) =>
        ModeSpelling.Key(text.Trim()) switch
        {
            "none" => RuntimeCacheChoice.None,
            "memory" => RuntimeCacheChoice.InMemory,
            _ => null,
        };

    private static WeightBudget? ReadBudget(string text)
    {
        string word = text.Trim();
        if (ModeSpelling.AreSame(word, "automatic"))
        {
            return WeightBudget.Automatic;
        }

        if (word.EndsWith('%'))
        {
            return ReadPercent(word.AsSpan(0, word.Length - 1)) is { } share ? WeightBudget.OfFraction(share) : null;
        }

        return long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long bytes)
            ? WeightBudget.OfBytes(bytes)
            : null;
    }

    /// <summary>Moves the point and leaves the digits, so that what was written is read back to the last bit.</summary>
    private static string Percent(double share) =>
        decimal.TryParse(
            share.ToString("R", CultureInfo.InvariantCulture),
            NumberStyles.Float,
            CultureInfo.InvariantCulture,
            out decimal exact
        )
        && Math.Abs(exact) < 1_000_000
            ? (exact * 100).ToString("0.############################", CultureInfo.InvariantCulture) + "%"
            : (share * 100).ToString("R", CultureInfo.InvariantCulture) + "%";

    private static double? ReadPercent(ReadOnlySpan<char> text) =>
        double.TryParse($"{text}E-2", NumberStyles.Float, CultureInfo.InvariantCulture, out double share) ? share
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double percent) ? percent / 100
        : null;

    private static ModeRefusal? InvalidBudget(WeightBudget budget) =>
        budget switch
        {
            { Kind: < WeightBudgetKind.Automatic or > WeightBudgetKind.Fraction } => new ModeRefusal(
                FailureKind.InvalidRequest,
                $"{nameof(WeightBudget)} has no kind {budget.Kind:D}; it is automatic, bytes or fraction."
            ),
            { Kind: WeightBudgetKind.Bytes, ByteCount: < 0 } or { Kind: WeightBudgetKind.Fraction, Share: < 0 } => new ModeRefusal(
                FailureKind.InvalidRequest,
                ModeConflicts.NegativeBudget
            ),
            { Kind: WeightBudgetKind.Fraction, Share: not <= 1 } => new ModeRefusal(
                FailureKind.InvalidRequest,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A weight budget of {budget.Share} of the streamable weights is out of range [0, 1]."
                )
            ),
            _ => null,
        };
}

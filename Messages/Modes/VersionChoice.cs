using System.Globalization;
using MessagePack;

namespace Troupe.Messages.Modes;

/// <summary>Which version of a model a forward takes that names none: the newest, one number, or several by weight.</summary>
/// <param name="Words">As <c>troupe modes set</c> takes it: <c>newest:50%</c>, <c>2</c> or <c>1=90,2=10</c>; null: <c>newest</c>.</param>
[MessagePackObject]
public readonly record struct VersionChoice([property: Key(0)] string? Words)
{
    /// <summary>The highest, once it is on as many devices as the one before it.</summary>
    public static VersionChoice Newest => default;

    /// <summary>The highest, once it is on this share (above 0, at most 1) of as many devices as the one before it.</summary>
    public static VersionChoice NewestFrom(double share) =>
        new(string.Create(CultureInfo.InvariantCulture, $"newest:{share * 100:0.######}%"));

    public static VersionChoice Pinned(int number) => new(number.ToString(CultureInfo.InvariantCulture));

    /// <summary>Each of these in its share of the weights; those that are loaded nowhere take no part.</summary>
    public static VersionChoice Weighted(params ReadOnlySpan<(int Number, int Weight)> weights)
    {
        List<string> words = [];
        foreach ((int number, int weight) in weights)
        {
            words.Add(string.Create(CultureInfo.InvariantCulture, $"{number}={weight}"));
        }

        return new VersionChoice(string.Join(',', words));
    }
}

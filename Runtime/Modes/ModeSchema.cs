namespace Troupe.Runtime.Modes;

/// <summary>What a mode's value may be, for machines: the words it has, and what else is taken in JSON.</summary>
/// <param name="Words">As they are written; all there are where <paramref name="OtherType"/> is null or a flag.</param>
/// <param name="OtherType">JSON type of a value that is none of the words: boolean, integer or string; null when there is none.</param>
public sealed record ModeSchema(IReadOnlyList<string> Words, string? OtherType = null);

using System.Collections.Immutable;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Where the value of one setting comes from.</summary>
/// <param name="Entry">The baseline or entry; null for the default and for a call.</param>
/// <param name="IsCall">The forward itself set it.</param>
public readonly record struct ModeSource(ModeEntry? Entry, bool IsCall)
{
    public static ModeSource Default => default;

    public static ModeSource Call => new(null, true);

    /// <summary>Set at model scope or narrower, so that it must hold or be refused; wider ones hold where they can.</summary>
    public bool IsBinding => IsCall || (Entry is not null && ModeScopes.IsModelOrNarrower(Entry.Scope));

    public override string ToString() =>
        IsCall ? "call"
        : Entry is null ? "default"
        : $"{ModeScopes.Text(Entry.Scope)} ({(Entry.Token is null ? "baseline" : "entered")})";
}

/// <summary>The value of every setting at one place, and where each comes from.</summary>
/// <param name="Sources">By <see cref="ModeField.Index"/>.</param>
/// <param name="Epoch">Lamport time of the modes it was folded from.</param>
public sealed record EffectiveModes(ModeSettings Settings, ImmutableArray<ModeSource> Sources, long Epoch)
{
    public ModeSource Source(ModeField field) => Sources[field.Index];
}

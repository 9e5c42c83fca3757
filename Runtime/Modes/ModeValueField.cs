using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>A mode whose values are of one type: how a change and settings hold it, and the form of its values.</summary>
internal sealed class ModeValueField<T>(string name, ModeForm<T> form) : ModeField(name, form.Words, form.Schema)
    where T : struct
{
    /// <summary>The value a change sets; null when it sets none.</summary>
    public required Func<ModeChange, T?> Changed { get; init; }

    /// <summary>A change with another value, or with none.</summary>
    public required Func<ModeChange, T?, ModeChange> Change { get; init; }

    /// <summary>The value that settings have.</summary>
    public required Func<ModeSettings, T> Value { get; init; }

    /// <summary>Settings with another value.</summary>
    public required Func<ModeSettings, T, ModeSettings> With { get; init; }

    /// <summary>Why a module's back end cannot do what a value asks for, which is not the default; null where any can.</summary>
    public Func<T, ModuleTraits, ModeRefusal?>? Needs { get; init; }

    private T Default => Value(ModeSettings.Default);

    public override bool IsSet(ModeChange change) => Changed(change) is not null;

    public override ModeSettings Apply(ModeSettings settings, ModeChange change) => With(settings, Changed(change)!.Value);

    public override ModeSettings Reset(ModeSettings settings) => With(settings, Default);

    public override ModeChange Overlay(ModeChange below, ModeChange above) => Change(below, Changed(above));

    public override ModeChange Set(ModeChange change, ModeSettings settings) => Change(change, Value(settings));

    public override bool Differs(ModeSettings left, ModeSettings right) => !EqualityComparer<T>.Default.Equals(Value(left), Value(right));

    public override string Text(ModeSettings settings) => form.Write(Value(settings));

    public override string? Text(ModeChange change) => Changed(change) is { } value ? form.Write(value) : null;

    public override ModeChange? Read(ModeChange change, string text) => form.Read(text) is { } value ? Change(change, value) : null;

    public override ModeRefusal? Invalid(ModeChange change) =>
        Changed(change) is { } value && form.Invalid?.Invoke(value) is { } refusal ? refusal with { Field = this } : null;

    public override ModeRefusal? Unsupported(ModeSettings settings, ModuleTraits traits)
    {
        if (Needs is null)
        {
            return null;
        }

        T value = Value(settings);
        return EqualityComparer<T>.Default.Equals(value, Default) ? null
            : Needs(value, traits) is { } refusal ? refusal with { Field = this }
            : null;
    }
}

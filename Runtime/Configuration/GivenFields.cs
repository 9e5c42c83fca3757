using Google.Protobuf.Reflection;

namespace Troupe.Runtime.Configuration;

/// <summary>Which fields of one message were given: each at most once, and one of those that exclude each other.</summary>
internal struct GivenFields
{
    private ulong _given;

    /// <summary>Notes a field.</summary>
    /// <param name="mayRepeat">A list may be given in pieces.</param>
    /// <returns>Why it may not stand here; null where it may.</returns>
    public string? Objection(FieldDescriptor field, bool mayRepeat)
    {
        if (field.IsRepeated && mayRepeat)
        {
            return null;
        }

        if (IsGiven(field))
        {
            return $"'{field.Name}' is given a second time. Leave one of them.";
        }

        if (field.RealContainingOneof is { } choice && choice.Fields.FirstOrDefault(IsGiven) is { } other)
        {
            return $"'{field.Name}' excludes '{other.Name}', which is given too. Leave one of them.";
        }

        _given |= 1UL << field.Index;
        return null;
    }

    private readonly bool IsGiven(FieldDescriptor field) => (_given & (1UL << field.Index)) != 0;
}

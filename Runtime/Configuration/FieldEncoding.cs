using System.Diagnostics;
using Google.Protobuf.Reflection;

namespace Troupe.Runtime.Configuration;

/// <summary>Writes a value of a field in the binary form, or says why it is none.</summary>
/// <remarks>Pure; what both written forms of a configuration mean the same is here.</remarks>
internal static class FieldEncoding
{
    /// <returns>What is wrong, with the fix; null where it was written.</returns>
    public static string? WriteInteger(WireBuffer wire, FieldDescriptor field, bool isNegative, ulong magnitude)
    {
        (ulong below, ulong above) = field.FieldType switch
        {
            FieldType.Int32 => (1UL << 31, (ulong)int.MaxValue),
            FieldType.Int64 => (1UL << 63, (ulong)long.MaxValue),
            FieldType.UInt32 => (0UL, (ulong)uint.MaxValue),
            FieldType.UInt64 => (0UL, ulong.MaxValue),
            _ => throw new UnreachableException(),
        };
        if (magnitude > (isNegative ? below : above))
        {
            return OutOfRange(field);
        }

        wire.WriteVarint(field.FieldNumber, isNegative ? 0 - magnitude : magnitude);
        return null;
    }

    /// <summary>What an integer field takes.</summary>
    public static string OutOfRange(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.Int32 => $"'{field.Name}' is out of range: give a whole number from {int.MinValue} to {int.MaxValue}.",
            FieldType.Int64 => $"'{field.Name}' is out of range: give a whole number from {long.MinValue} to {long.MaxValue}.",
            FieldType.UInt32 => $"'{field.Name}' is out of range: give a whole number from 0 to {uint.MaxValue}.",
            _ => $"'{field.Name}' is out of range: give a whole number from 0 to {ulong.MaxValue}.",
        };

    public static void WriteFloating(WireBuffer wire, FieldDescriptor field, double value)
    {
        if (field.FieldType == FieldType.Float)
        {
            wire.WriteFloat(field.FieldNumber, (float)value);
        }
        else
        {
            wire.WriteDouble(field.FieldNumber, value);
        }
    }

    public static void WriteBoolean(WireBuffer wire, FieldDescriptor field, bool value) =>
        wire.WriteVarint(field.FieldNumber, value ? 1UL : 0);

    /// <summary>By its name.</summary>
    /// <inheritdoc cref="WriteInteger" path="/returns"/>
    public static string? WriteEnum(WireBuffer wire, FieldDescriptor field, string name) =>
        WriteEnum(wire, field, field.EnumType.FindValueByName(name), name);

    /// <summary>By its number.</summary>
    /// <inheritdoc cref="WriteInteger" path="/returns"/>
    public static string? WriteEnum(WireBuffer wire, FieldDescriptor field, bool isNegative, ulong number) =>
        WriteEnum(
            wire,
            field,
            isNegative || number > int.MaxValue ? null : field.EnumType.FindValueByNumber((int)number),
            isNegative ? $"-{number}" : $"{number}"
        );

    private static string? WriteEnum(WireBuffer wire, FieldDescriptor field, EnumValueDescriptor? value, string given)
    {
        if (value is null)
        {
            return $"'{ConfigurationText.Shown(given)}' is no value of '{field.Name}': give one of {string.Join(", ", field.EnumType.Values.Select(one => one.Name))}.";
        }

        wire.WriteVarint(field.FieldNumber, (ulong)value.Number);
        return null;
    }

    /// <summary>What a message has, for who gave it something else.</summary>
    public static string UnknownField(MessageDescriptor message, string given) =>
        $"'{ConfigurationText.Shown(given)}' is no field of {NameOf(message)}: it has {string.Join(", ", message.Fields.InDeclarationOrder().Select(field => field.Name))}.";

    /// <summary>What the field takes, in words.</summary>
    public static string Wanted(FieldDescriptor field) =>
        field.FieldType switch
        {
            FieldType.String => $"'{field.Name}' is a text: write it in quotes.",
            FieldType.Bool => $"'{field.Name}' is true or false.",
            FieldType.Float or FieldType.Double => $"'{field.Name}' is a decimal number.",
            FieldType.Enum => $"'{field.Name}' is one of {string.Join(", ", field.EnumType.Values.Select(value => value.Name))}.",
            FieldType.Message when field.IsMap => $"'{field.Name}' is a map: give each entry its key and its value.",
            FieldType.Message => $"'{field.Name}' is a {NameOf(field.MessageType)}: write its fields in braces.",
            _ => $"'{field.Name}' is a whole number.",
        };

    private static string NameOf(MessageDescriptor message) =>
        message.ContainingType is { } outer && message.Name.EndsWith("Entry", StringComparison.Ordinal)
            ? $"an entry of {outer.Name}"
            : message.Name;
}

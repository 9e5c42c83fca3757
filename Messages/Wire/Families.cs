using MessagePack;

namespace Troupe.Messages.Wire;

/// <summary>What the formatters written at build time share: reading the case of a family, and refusals.</summary>
internal static class Families
{
    /// <summary>The number of the case; its object follows.</summary>
    public static int ReadCase(ref MessagePackReader reader) =>
        reader.ReadArrayHeader() == 2
            ? reader.ReadInt32()
            : throw new MessagePackSerializationException("A message of a family is a pair of its kind and the message.");

    public static Exception NotACase(object value) =>
        new MessagePackSerializationException($"{value.GetType()} is not among the cases of its family.");

    public static Exception Nil(string type) => new MessagePackSerializationException($"{type} cannot be nil.");
}

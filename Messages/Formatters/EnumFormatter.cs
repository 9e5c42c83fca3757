using System.Runtime.CompilerServices;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>Writes an enum as its number and reads only numbers that have a name.</summary>
/// <remarks>Where the enum has a member <c>Unknown</c>, a number above all that are known comes from a later version and is read as that,
/// so
/// that the rest of the message is kept. Without one a known value is needed, and another refuses the message.</remarks>
internal sealed class EnumFormatter<T> : IMessagePackFormatter<T>
    where T : struct, Enum
{
    public static readonly EnumFormatter<T> Instance = new();

    private readonly T? _unknown = Enum.TryParse("Unknown", out T unknown) ? unknown : null;
    private readonly long _highest = Enum.GetValues<T>().Max(ToNumber);

    public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options) => writer.Write(ToNumber(value));

    public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        long number = reader.ReadInt64();
        T value = FromNumber(number);
        if (ToNumber(value) == number && Enum.IsDefined(value))
        {
            return value;
        }

        return _unknown is { } unknown && number > _highest
            ? unknown
            : throw new MessagePackSerializationException($"{number} is no {typeof(T).Name}.");
    }

    private static long ToNumber(T value) =>
        Unsafe.SizeOf<T>() switch
        {
            1 => Unsafe.BitCast<T, byte>(value),
            4 => Unsafe.BitCast<T, int>(value),
            int size => throw new NotSupportedException($"Enums on the wire are byte or int; {typeof(T)} has {size} bytes."),
        };

    private static T FromNumber(long number) =>
        Unsafe.SizeOf<T>() switch
        {
            1 => Unsafe.BitCast<byte, T>((byte)number),
            4 => Unsafe.BitCast<int, T>((int)number),
            int size => throw new NotSupportedException($"Enums on the wire are byte or int; {typeof(T)} has {size} bytes."),
        };
}

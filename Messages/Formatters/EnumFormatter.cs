using System.Runtime.CompilerServices;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>Writes an enum as its number and reads only numbers that have a name.</summary>
internal sealed class EnumFormatter<T> : IMessagePackFormatter<T>
    where T : struct, Enum
{
    public static readonly EnumFormatter<T> Instance = new();

    public void Serialize(ref MessagePackWriter writer, T value, MessagePackSerializerOptions options) => writer.Write(ToNumber(value));

    public T Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        long number = reader.ReadInt64();
        T value = FromNumber(number);
        return ToNumber(value) == number && Enum.IsDefined(value)
            ? value
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

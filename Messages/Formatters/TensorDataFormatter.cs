using System.Buffers;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>The bytes of a tensor: written at their exact size, read as a view of the array that came in, without a copy.</summary>
public sealed class TensorDataFormatter : IMessagePackFormatter<ReadOnlyMemory<byte>>
{
    public static readonly TensorDataFormatter Instance = new();

    public void Serialize(ref MessagePackWriter writer, ReadOnlyMemory<byte> value, MessagePackSerializerOptions options) =>
        writer.Write(value.Span);

    public ReadOnlyMemory<byte> Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        reader.ReadBytes() switch
        {
            null => throw new MessagePackSerializationException("The data of a tensor is missing; an empty tensor has empty data."),
            { IsSingleSegment: true } bytes => bytes.First,
            { } bytes => bytes.ToArray(),
        };
}

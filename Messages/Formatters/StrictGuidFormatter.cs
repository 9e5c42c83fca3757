using System.Buffers;
using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>A Guid as its 16 bytes, in the order of its text (RFC 9562), whatever the machine.</summary>
internal sealed class StrictGuidFormatter : IMessagePackFormatter<Guid>
{
    public static readonly StrictGuidFormatter Instance = new();

    private const int Size = 16;

    public void Serialize(ref MessagePackWriter writer, Guid value, MessagePackSerializerOptions options)
    {
        writer.WriteBinHeader(Size);
        value.TryWriteBytes(writer.GetSpan(Size), bigEndian: true, out _);
        writer.Advance(Size);
    }

    public Guid Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.ReadBytes() is not { Length: Size } bytes)
        {
            throw new MessagePackSerializationException($"A Guid has {Size} bytes.");
        }

        Span<byte> copy = stackalloc byte[Size];
        bytes.CopyTo(copy);
        return new Guid(copy, bigEndian: true);
    }
}

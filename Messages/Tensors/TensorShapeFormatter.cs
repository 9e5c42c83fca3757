using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Tensors;

/// <summary>Writes a shape as an array of its dimensions; refuses ranks above <see cref="TensorShape.MaxRank"/> and dimensions below -1
/// before it allocates anything.</summary>
public sealed class TensorShapeFormatter : IMessagePackFormatter<TensorShape>
{
    public static readonly TensorShapeFormatter Instance = new();

    public void Serialize(ref MessagePackWriter writer, TensorShape value, MessagePackSerializerOptions options)
    {
        writer.WriteArrayHeader(value.Rank);
        foreach (long dimension in value.Span)
        {
            writer.Write(dimension);
        }
    }

    public TensorShape Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        int rank = reader.ReadArrayHeader();
        if (rank > TensorShape.MaxRank)
        {
            throw new MessagePackSerializationException($"A shape has at most {TensorShape.MaxRank} dimensions, this one declares {rank}.");
        }

        Span<long> dimensions = stackalloc long[rank];
        foreach (ref long dimension in dimensions)
        {
            dimension = reader.ReadInt64();
            if (dimension < -1)
            {
                throw new MessagePackSerializationException($"A dimension is at least 0, or -1 where it is not known: {dimension}.");
            }
        }

        return new TensorShape(dimensions);
    }
}

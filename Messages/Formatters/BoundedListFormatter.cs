using MessagePack;
using MessagePack.Formatters;

namespace Troupe.Messages.Formatters;

/// <summary>Reads lists whose declared length is checked before the array is made.</summary>
internal sealed class BoundedListFormatter<T> : IMessagePackFormatter<T[]?>
{
    private static BoundedListFormatter<T>? _only;
    private readonly IMessagePackFormatter<T> _items;

    private BoundedListFormatter(IMessagePackFormatter<T> items) => _items = items;

    /// <summary>The one formatter of lists of a type, whose entries are written by <paramref name="items"/>.</summary>
    public static BoundedListFormatter<T> By(IMessagePackFormatter<T> items) => _only ??= new BoundedListFormatter<T>(items);

    public void Serialize(ref MessagePackWriter writer, T[]? value, MessagePackSerializerOptions options)
    {
        if (value is null)
        {
            writer.WriteNil();
            return;
        }

        writer.WriteArrayHeader(value.Length);
        foreach (T item in value)
        {
            _items.Serialize(ref writer, item, options);
        }
    }

    public T[]? Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
    {
        if (reader.TryReadNil())
        {
            return null;
        }

        int count = reader.ReadArrayHeader();
        if (count > WireLimits.ListItems)
        {
            throw new MessagePackSerializationException($"A list of {count} entries; at most {WireLimits.ListItems} are read.");
        }

        if (count == 0)
        {
            return [];
        }

        T[] list = new T[count];
        options.Security.DepthStep(ref reader);
        for (int i = 0; i < count; i++)
        {
            list[i] = _items.Deserialize(ref reader, options);
        }

        reader.Depth--;
        return list;
    }
}

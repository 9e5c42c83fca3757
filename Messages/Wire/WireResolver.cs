using MessagePack;
using MessagePack.Formatters;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Wire;

/// <summary>Finds the formatters that were written at build time; nothing is made at run time, and no type ever comes from the
/// bytes.</summary>
internal sealed class WireResolver : IFormatterResolver
{
    public static readonly WireResolver Instance = new();

    private WireResolver() { }

    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static object? Find(Type type) =>
        type == typeof(string) ? StringFormatter.Instance
        : type == typeof(Guid) ? StrictGuidFormatter.Instance
        : WireFormatters.ByType.GetValueOrDefault(type);

    private static class Cache<T>
    {
        public static readonly IMessagePackFormatter<T>? Formatter = (IMessagePackFormatter<T>?)Find(typeof(T));
    }
}

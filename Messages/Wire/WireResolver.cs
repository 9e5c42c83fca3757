using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Wire;

/// <summary>Chooses formatters: strict ones for text, lists, enums and Guids, MessagePack's emitted ones for the records. No type ever
/// comes from the bytes.</summary>
internal sealed class WireResolver : IFormatterResolver
{
    public static readonly WireResolver Instance = new();

    private WireResolver() { }

    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static object? Choose(Type type)
    {
        if (type == typeof(string))
        {
            return new StringFormatter();
        }

        if (type == typeof(Guid))
        {
            return new StrictGuidFormatter();
        }

        if (type.IsEnum)
        {
            return Activator.CreateInstance(typeof(EnumFormatter<>).MakeGenericType(type));
        }

        return type.IsSZArray && type != typeof(byte[])
            ? Activator.CreateInstance(typeof(BoundedListFormatter<>).MakeGenericType(type.GetElementType()!))
            : null;
    }

    private static class Cache<T>
    {
        public static readonly IMessagePackFormatter<T>? Formatter =
            (IMessagePackFormatter<T>?)Choose(typeof(T)) ?? StandardResolver.Instance.GetFormatter<T>();
    }
}

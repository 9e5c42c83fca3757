using MessagePack;
using MessagePack.Resolvers;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Writes messages the way a faulty or older peer would: without any check.</summary>
internal static class WireTestBytes
{
    /// <summary>The product's formatters, and MessagePack's own for the records of an older or newer version that tests declare.</summary>
    public static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions.Standard.WithResolver(
        CompositeResolver.Create(WireResolver.Instance, StandardResolver.Instance)
    );

    public static byte[] WriteUnchecked(object message)
    {
        Type family = message.GetType().BaseType is { } parent && WireFormatters.Families.ContainsKey(parent) ? parent : message.GetType();
        return MessagePackSerializer.Serialize(family, message, Options);
    }
}

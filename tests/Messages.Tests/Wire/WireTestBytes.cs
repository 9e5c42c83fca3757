using MessagePack;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Writes messages the way a faulty or older peer would: without any check.</summary>
internal static class WireTestBytes
{
    public static readonly MessagePackSerializerOptions Options = MessagePackSerializerOptions.Standard.WithResolver(WireResolver.Instance);

    public static byte[] WriteUnchecked(object message)
    {
        Type family = message.GetType().BaseType is { IsAbstract: true } parent && parent != typeof(object) ? parent : message.GetType();
        return MessagePackSerializer.Serialize(family, message, Options);
    }
}

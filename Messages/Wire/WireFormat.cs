using MessagePack;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Wire;

/// <summary>The one form in which messages travel between nodes: a manifest that names the kind, and MessagePack with integer
/// keys.</summary>
/// <remarks>
/// Safe on bytes from a stranger: a message comes out valid or a <see cref="WireException"/> is thrown, in time and memory bounded by the
/// size of the input.
/// Fields unknown here are skipped, fields missing there take their defaults. <b>Thread</b> any.
/// </remarks>
public static class WireFormat
{
    /// <summary>Bytes of tensor data that one message may carry between nodes.</summary>
    public const int MaxInlinePayload = WireLimits.InlinePayloadBytes;

    private static readonly MessagePackSerializerOptions Options = new MessagePackSerializerOptions(WireResolver.Instance).WithSecurity(
        MessagePackSecurity.UntrustedData.WithMaximumObjectGraphDepth(WireLimits.Depth)
    );

    /// <summary>Every manifest in use.</summary>
    public static IReadOnlyList<string> Manifests { get; } = [.. WireTable.All.Select(entry => entry.Manifest)];

    /// <summary>Every type that may be serialized: messages, and the cases of reply families.</summary>
    public static IReadOnlyList<Type> MessageTypes { get; } = [.. WireTable.ByType.Keys];

    /// <summary>The manifest of a message; throws <see cref="WireException"/> for an object that is none.</summary>
    public static string Manifest(object message) => Find(message).Manifest;

    /// <summary>Bytes of tensor data in the message; the sender compares it with <see cref="MaxInlinePayload"/> before it sends to another
    /// node.</summary>
    public static long PayloadBytes(object message) => ForwardingChecks.PayloadBytes(message);

    /// <summary>Writes a message into an array of its exact size; throws <see cref="WireException"/> where the receiver would refuse
    /// it.</summary>
    public static byte[] Serialize(object message)
    {
        WireType type = Find(message);
        byte[] bytes;
        try
        {
            bytes = type.Serialize(message, Options);
        }
        catch (MessagePackSerializationException trouble)
        {
            throw new WireException(type.Manifest, $"it cannot be written: {Innermost(trouble)}", "a message within its limits", trouble);
        }

        return bytes.Length <= WireLimits.MessageBytes
            ? bytes
            : throw new WireException(type.Manifest, $"it has {bytes.Length} bytes", $"at most {WireLimits.MessageBytes}");
    }

    /// <summary>Reads a message. Tensors of it are views of <paramref name="bytes"/>, which therefore must not be reused.</summary>
    public static object Deserialize(string manifest, ReadOnlyMemory<byte> bytes)
    {
        if (!WireTable.ByManifest.TryGetValue(manifest, out WireType? type))
        {
            throw new WireException(manifest, "the manifest is unknown here", string.Join(' ', Manifests));
        }

        if (bytes.Length > WireLimits.MessageBytes)
        {
            throw new WireException(manifest, $"it has {bytes.Length} bytes", $"at most {WireLimits.MessageBytes}");
        }

        MessagePackStructure.Check(manifest, bytes.Span);
        try
        {
            return type.Deserialize(bytes, Options);
        }
        catch (MessagePackSerializationException trouble)
        {
            throw new WireException(manifest, $"it cannot be read: {Innermost(trouble)}", "a message of this manifest", trouble);
        }
    }

    private static WireType Find(object message) =>
        WireTable.ByType.TryGetValue(message.GetType(), out WireType? type)
            ? type
            : throw new WireException("?", $"{message.GetType()} is not among the messages that travel", "the types of the wire table");

    private static string Innermost(Exception trouble)
    {
        while (trouble.InnerException is { } inner)
        {
            trouble = inner;
        }

        return trouble.Message;
    }
}

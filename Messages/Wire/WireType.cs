using MessagePack;

namespace Troupe.Messages.Wire;

/// <summary>One line of the wire table: a manifest, the message or family of messages it stands for, and what makes one valid.</summary>
internal abstract class WireType(string manifest)
{
    public string Manifest { get; } = manifest;

    /// <summary>The types of objects written under the manifest: the message, or every case of the family.</summary>
    public abstract IReadOnlyList<Type> Types { get; }

    public abstract byte[] Serialize(object message, MessagePackSerializerOptions options);

    /// <summary>Reads and checks; throws <see cref="WireException"/>, or what MessagePack throws.</summary>
    public abstract object Deserialize(ReadOnlyMemory<byte> bytes, MessagePackSerializerOptions options);

    public static WireType Of<T>(string manifest, Action<WireCheck, T> validate)
        where T : class => new Typed<T>(manifest, validate);

    private sealed class Typed<T>(string manifest, Action<WireCheck, T> validate) : WireType(manifest)
        where T : class
    {
        private readonly WireCheck _check = new(manifest);

        public override IReadOnlyList<Type> Types { get; } =
            WireFormatters.Families.TryGetValue(typeof(T), out Type[]? cases) ? cases : [typeof(T)];

        public override byte[] Serialize(object message, MessagePackSerializerOptions options)
        {
            T typed = (T)message;
            validate(_check, typed);
            return MessagePackSerializer.Serialize(typed, options);
        }

        public override object Deserialize(ReadOnlyMemory<byte> bytes, MessagePackSerializerOptions options)
        {
            T? message = MessagePackSerializer.Deserialize<T?>(bytes, options, out int read);
            if (message is null)
            {
                _check.Fail("it is nil or of a kind unknown here", "a message");
            }

            if (read != bytes.Length)
            {
                _check.Fail($"{bytes.Length - read} bytes follow it", "nothing after the message");
            }

            validate(_check, message);
            return message;
        }
    }
}

using Akka.Actor;
using Akka.Serialization;
using Akka.Util;
using Troupe.Actors.Membership;

namespace Troupe.Actors.Serialization;

/// <summary>One of Akka's own serializers, of which only what the cluster's own work needs is read: the rest are commands to actors, which
/// no node sends another.</summary>
/// <remarks><b>Thread</b> any.</remarks>
/// <param name="id">The number under which messages name it.</param>
/// <param name="inner">Reads and writes.</param>
/// <param name="read">What is read.</param>
public abstract class GuardedSerializer(ExtendedActorSystem system, int id, Serializer inner, IReadOnlyList<string> read)
    : SerializerWithStringManifest(system)
{
    /// <inheritdoc />
    public override int Identifier => id;

    /// <inheritdoc />
    public override string Manifest(object o) =>
        inner is SerializerWithStringManifest named ? named.Manifest(o) : o.GetType().TypeQualifiedName();

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) => inner.ToBinary(obj);

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, string manifest)
    {
        if (read.Contains(manifest))
        {
            object message = inner is SerializerWithStringManifest named
                ? named.FromBinary(bytes, manifest)
                : inner.FromBinary(bytes, TypeOf(manifest)!);
            if (IsHarmless(message))
            {
                return message;
            }
        }

        Doors.Of(system).Drop(ForeignReason.NotRead);
        return Unread.Instance;
    }

    /// <summary>The type that a manifest names, where Akka's serializer goes by types.</summary>
    private protected virtual Type? TypeOf(string manifest) => null;

    /// <summary>Whether a message that was read may come in.</summary>
    private protected virtual bool IsHarmless(object message) => true;
}

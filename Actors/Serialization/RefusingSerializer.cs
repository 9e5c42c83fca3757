using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;
using Troupe.Actors.Membership;

namespace Troupe.Actors.Serialization;

/// <summary>Stands where Akka would fall back to JSON, and in the place of each of its serializers that would read whatever a stranger
/// names: nothing is written with it, and what comes under its number is dropped unread.</summary>
/// <remarks><b>Thread</b> any.</remarks>
/// <param name="settings">Its <c>id</c>, the number under which messages name it.</param>
public sealed class RefusingSerializer(ExtendedActorSystem system, Config settings) : SerializerWithStringManifest(system)
{
    /// <inheritdoc />
    public override int Identifier { get; } = settings.GetInt("id");

    /// <inheritdoc />
    public override string Manifest(object o) => "";

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()} must not leave its node: no serializer is bound to it in akka.hocon.");

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, string manifest)
    {
        Doors.Of(system).Drop(ForeignReason.NotRead);
        return Unread.Instance;
    }
}

using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;

namespace Troupe.Actors.Serialization;

/// <summary>Stands where Akka would fall back to JSON: a message that no serializer is bound to is refused by its sender.</summary>
/// <remarks><b>Thread</b> any.</remarks>
public sealed class RefusingSerializer(ExtendedActorSystem system) : Serializer(system)
{
    /// <inheritdoc />
    public override int Identifier => 4712;

    /// <inheritdoc />
    public override bool IncludeManifest => true;

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) =>
        throw new SerializationException($"{obj.GetType()} must not leave its node: no serializer is bound to it in akka.hocon.");

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, Type type) =>
        throw new SerializationException($"{type} is not a message that travels between nodes.");
}

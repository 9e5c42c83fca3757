using Akka.Actor;
using Akka.Serialization;
using Troupe.Messages.Wire;

namespace Troupe.Actors.Serialization;

/// <summary>Carries Troupe's messages between nodes in the wire format of Messages; named in <c>akka.hocon</c>.</summary>
/// <remarks><b>Thread</b> any. Bytes that are no valid message throw <see cref="WireException"/>: Akka logs it and drops the message, the
/// association lives on.</remarks>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <inheritdoc />
    public override int Identifier => 4711;

    /// <inheritdoc />
    public override string Manifest(object o) => WireFormat.Manifest(o);

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) => WireFormat.Serialize(obj);

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, string manifest) => WireFormat.Deserialize(manifest, bytes);
}

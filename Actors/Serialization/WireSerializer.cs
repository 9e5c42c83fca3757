using Akka.Actor;
using Akka.Serialization;
using Troupe.Actors.Membership;
using Troupe.Messages.Wire;

namespace Troupe.Actors.Serialization;

/// <summary>Carries Troupe's messages between nodes in the wire format of Messages; named in <c>akka.hocon</c>.</summary>
/// <remarks><b>Thread</b> any. What is read comes in an envelope, which only the entrances of a node open. Bytes that are no valid message
/// are dropped and counted; the association lives on.</remarks>
public sealed class WireSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <inheritdoc />
    public override int Identifier => 4711;

    /// <inheritdoc />
    public override string Manifest(object o) => WireFormat.Manifest(o);

    /// <inheritdoc />
    public override byte[] ToBinary(object obj) => WireFormat.Serialize(obj);

    /// <inheritdoc />
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return new FromAfar(WireFormat.Deserialize(manifest, bytes));
        }
        catch (WireException)
        {
            Doors.Of(system).Drop(ForeignReason.Invalid);
            return Unread.Instance;
        }
    }
}

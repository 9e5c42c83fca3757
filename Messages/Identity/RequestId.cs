using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>Names one accepted forward for its whole life, re-dispatches included: the accepting node's incarnation and its
/// counter.</summary>
[MessagePackObject]
public readonly record struct RequestId([property: Key(0)] NodeIncarnation Origin, [property: Key(1)] ulong Counter)
{
    public override string ToString() => $"{Origin}-{Counter}";
}

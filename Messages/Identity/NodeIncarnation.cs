using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>One life of a node's process: a new random value at each start, so that ids of a dead process are never mistaken for its
/// successor's.</summary>
[MessagePackObject]
public readonly record struct NodeIncarnation([property: Key(0)] ulong Value)
{
    public override string ToString() => Value.ToString("x16", System.Globalization.CultureInfo.InvariantCulture);
}

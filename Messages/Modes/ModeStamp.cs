using MessagePack;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>Names one baseline or entry and says where it stands in the one order all nodes agree on: Lamport time, then the node's
/// incarnation, then its counter.</summary>
[MessagePackObject]
public readonly record struct ModeStamp(
    [property: Key(0)] long Time,
    [property: Key(1)] NodeIncarnation Node,
    [property: Key(2)] long Counter
) : IComparable<ModeStamp>
{
    public int CompareTo(ModeStamp other)
    {
        int order = Time.CompareTo(other.Time);
        order = order != 0 ? order : Node.Value.CompareTo(other.Node.Value);
        return order != 0 ? order : Counter.CompareTo(other.Counter);
    }

    public static bool operator <(ModeStamp left, ModeStamp right) => left.CompareTo(right) < 0;

    public static bool operator >(ModeStamp left, ModeStamp right) => left.CompareTo(right) > 0;

    public static bool operator <=(ModeStamp left, ModeStamp right) => left.CompareTo(right) <= 0;

    public static bool operator >=(ModeStamp left, ModeStamp right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"{Time}@{Node}-{Counter}";
}

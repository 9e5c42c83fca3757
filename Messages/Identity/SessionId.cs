using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>A client's conversation, from <c>OpenSession</c> until it is closed or its lease ends.</summary>
[MessagePackObject]
public readonly record struct SessionId([property: Key(0)] Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

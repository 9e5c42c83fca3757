using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>Names one entered mode; whoever holds it may renew or exit it. Unguessable, made by the coordinating directory.</summary>
[MessagePackObject]
public readonly record struct ModeToken([property: Key(0)] Guid Value)
{
    public override string ToString() => Value.ToString("N");
}

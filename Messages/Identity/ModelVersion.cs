using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>SHA-256 of the bytes a model version was loaded from (for a module: of its manifest and every file it names, in
/// order).</summary>
[MessagePackObject]
public readonly record struct ContentHash(
    [property: Key(0)] ulong A,
    [property: Key(1)] ulong B,
    [property: Key(2)] ulong C,
    [property: Key(3)] ulong D
)
{
    public override string ToString() => $"{A:x16}{B:x16}{C:x16}{D:x16}";

    /// <summary>Takes the 32 bytes of a SHA-256 digest, big-endian.</summary>
    public static ContentHash FromSha256(ReadOnlySpan<byte> digest)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(digest.Length, 32);
        return new ContentHash(
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(digest),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(digest[8..]),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(digest[16..]),
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(digest[24..])
        );
    }
}

/// <summary>An exact model version: name, number and content. Two contents under one live (name, number) are refused.</summary>
[MessagePackObject]
public sealed record ModelVersion([property: Key(0)] string Name, [property: Key(1)] int Number, [property: Key(2)] ContentHash Hash)
{
    /// <summary>As a caller names it, whatever its content.</summary>
    public ModelReference ToReference() => new(Name, Number);

    public override string ToString() => $"{Name}/{Number}";
}

/// <summary>A model as a caller names it: without a number, the highest loaded version.</summary>
[MessagePackObject]
public readonly record struct ModelReference([property: Key(0)] string Name, [property: Key(1)] int? Number = null)
{
    public override string ToString() => Number is { } number ? $"{Name}/{number}" : Name;
}

namespace Troupe.Runtime.Artifacts.Zip;

/// <summary>One file of an archive as its directory announces it; sizes are claims until the entry is read.</summary>
internal sealed record ZipEntry(string Name, ushort Method, uint Checksum, long PackedBytes, long Bytes, long HeaderOffset)
{
    public const ushort Stored = 0;
    public const ushort Deflated = 8;
}

using System.Buffers.Binary;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Zip;

/// <summary>Reads the central directory of an archive (APPNOTE 6.3, zip64 included) and admits only what PyTorch's writers make: one
/// volume, unencrypted, unique and safe names.</summary>
internal static class ZipDirectory
{
    private const uint EndMagic = 0x06054B50;
    private const uint End64Magic = 0x06064B50;
    private const uint Locator64Magic = 0x07064B50;
    private const uint EntryMagic = 0x02014B50;
    private const int EndBytes = 22;
    private const int LocatorBytes = 20;
    private const int End64Bytes = 56;
    private const int EntryBytes = 46;
    private const int LongestComment = 65_535;

    /// <summary>Entries by name; folders are checked and left out.</summary>
    /// <param name="directoryOffset">Where the directory begins: no entry's data may reach beyond.</param>
    public static Dictionary<string, ZipEntry> Read(ByteSource source, ArtifactLimits limits, string where, out long directoryOffset)
    {
        (long count, long size, long offset, long end) = FindEnd(source, where);
        if (count < 0 || count > limits.Entries || size > limits.DirectoryBytes)
        {
            throw ArtifactException.TooLarge(
                where,
                $"the archive announces {count} entries in a directory of {size} bytes; at most {limits.Entries} and {limits.DirectoryBytes} are read"
            );
        }

        if (offset < 0 || size < 0 || offset > end || size > end - offset)
        {
            throw ArtifactException.Corrupt(
                where,
                $"the archive's directory ({size} bytes from {offset}) does not lie before its end record at {end}"
            );
        }

        directoryOffset = offset;
        ReadOnlySpan<byte> rest = source.Read(offset, (int)size).Span;
        var entries = new Dictionary<string, ZipEntry>(StringComparer.Ordinal);
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (long i = 0; i < count; i++)
        {
            ZipEntry entry = Next(ref rest, where, i);
            if (!names.Add(entry.Name))
            {
                throw ArtifactException.Corrupt(where, $"the entry '{Shown.Of(entry.Name)}' stands twice in the archive");
            }

            if (!entry.Name.EndsWith('/'))
            {
                entries.Add(entry.Name, entry);
            }
        }

        return rest.IsEmpty
            ? entries
            : throw ArtifactException.Corrupt(
                where,
                $"{rest.Length} bytes of the archive's directory belong to none of its {count} entries"
            );
    }

    private static ZipEntry Next(ref ReadOnlySpan<byte> rest, string where, long index)
    {
        if (rest.Length < EntryBytes || BinaryPrimitives.ReadUInt32LittleEndian(rest) != EntryMagic)
        {
            throw ArtifactException.Corrupt(where, $"entry {index} of the archive's directory is broken");
        }

        ReadOnlySpan<byte> head = rest[..EntryBytes];
        int nameBytes = Half(head, 28);
        int extraBytes = Half(head, 30);
        int total = EntryBytes + nameBytes + extraBytes + Half(head, 32);
        if (rest.Length < total)
        {
            throw ArtifactException.Corrupt(where, $"entry {index} of the archive's directory announces more bytes than are left");
        }

        string name = ZipNames.Read(rest.Slice(EntryBytes, nameBytes), where);
        string place = $"{where}, entry '{Shown.Of(name)}'";
        if ((Half(head, 8) & 1) != 0 || Half(head, 10) is not (ZipEntry.Stored or ZipEntry.Deflated))
        {
            throw ArtifactException.Corrupt(place, "the entry is encrypted, or packed by other than deflate");
        }

        long bytes = Word(head, 24),
            packed = Word(head, 20),
            offset = Word(head, 42);
        ReadZip64(rest.Slice(EntryBytes + nameBytes, extraBytes), ref bytes, ref packed, ref offset, place);
        if (Half(head, 34) is not (0 or ushort.MaxValue))
        {
            throw ArtifactException.Corrupt(place, "the archive has several volumes");
        }

        rest = rest[total..];
        return new ZipEntry(name, (ushort)Half(head, 10), Word(head, 16), packed, bytes, offset);
    }

    /// <summary>Values of 0xFFFFFFFF stand in the zip64 field, in this order.</summary>
    private static void ReadZip64(ReadOnlySpan<byte> extra, ref long bytes, ref long packed, ref long offset, string where)
    {
        if (bytes != uint.MaxValue && packed != uint.MaxValue && offset != uint.MaxValue)
        {
            return;
        }

        while (extra.Length >= 4)
        {
            int size = Math.Min(Half(extra, 2), extra.Length - 4);
            if (Half(extra, 0) == 1)
            {
                ReadOnlySpan<byte> field = extra.Slice(4, size);
                ReadZip64(ref field, ref bytes, where);
                ReadZip64(ref field, ref packed, where);
                ReadZip64(ref field, ref offset, where);
                return;
            }

            extra = extra[(4 + size)..];
        }
    }

    private static void ReadZip64(ref ReadOnlySpan<byte> field, ref long value, string where)
    {
        if (value == uint.MaxValue)
        {
            value =
                field.Length >= 8
                    ? BinaryPrimitives.ReadInt64LittleEndian(field)
                    : throw ArtifactException.Corrupt(where, "the entry's zip64 field is too short");
            field = field[8..];
        }
    }

    private static (long Count, long Size, long Offset, long End) FindEnd(ByteSource source, string where)
    {
        int tailBytes = (int)Math.Min(source.Length, EndBytes + LongestComment);
        long tailOffset = source.Length - tailBytes;
        ReadOnlySpan<byte> tail = source.Read(tailOffset, tailBytes).Span;
        for (int at = tailBytes - EndBytes; at >= 0; at--)
        {
            if (BinaryPrimitives.ReadUInt32LittleEndian(tail[at..]) != EndMagic || at + EndBytes + Half(tail, at + 20) != tailBytes)
            {
                continue;
            }

            ReadOnlySpan<byte> end = tail[at..];
            long count = Half(end, 10),
                size = Word(end, 12),
                offset = Word(end, 16);
            if (Half(end, 4) is not (0 or ushort.MaxValue))
            {
                throw ArtifactException.Corrupt(where, "the archive has several volumes");
            }

            return count == ushort.MaxValue || size == uint.MaxValue || offset == uint.MaxValue
                ? FindEnd64(source, tailOffset + at, where)
                : (count, size, offset, tailOffset + at);
        }

        throw ArtifactException.Truncated(where, "the archive has no end record; its last bytes are missing");
    }

    private static (long Count, long Size, long Offset, long End) FindEnd64(ByteSource source, long end, string where)
    {
        if (end >= LocatorBytes)
        {
            ReadOnlySpan<byte> locator = source.Read(end - LocatorBytes, LocatorBytes).Span;
            long at = BinaryPrimitives.ReadInt64LittleEndian(locator[8..]);
            if (BinaryPrimitives.ReadUInt32LittleEndian(locator) == Locator64Magic && at >= 0 && at <= end - LocatorBytes - End64Bytes)
            {
                ReadOnlySpan<byte> record = source.Read(at, End64Bytes).Span;
                if (BinaryPrimitives.ReadUInt32LittleEndian(record) == End64Magic)
                {
                    return (
                        BinaryPrimitives.ReadInt64LittleEndian(record[32..]),
                        BinaryPrimitives.ReadInt64LittleEndian(record[40..]),
                        BinaryPrimitives.ReadInt64LittleEndian(record[48..]),
                        at
                    );
                }
            }
        }

        throw ArtifactException.Corrupt(where, "the archive announces zip64 but its zip64 end record is not where it should be");
    }

    private static int Half(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}

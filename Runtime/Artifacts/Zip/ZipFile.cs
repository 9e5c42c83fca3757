using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;
using System.Text;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Zip;

/// <summary>An archive read entry by entry, distrustfully: every announced size is checked before memory is taken, and the bytes against
/// size and checksum after.</summary>
/// <remarks><b>Thread</b> one at a time: it counts what was unpacked. System.IO.Compression's own archive trusts announced sizes and
/// counts, hence this one; only its deflate is used.</remarks>
internal sealed class ZipFile
{
    /// <summary>By this entry exported programs of PyTorch before 2.8 are known, which were written without a folder.</summary>
    public const string FlatProgram = "serialized_exported_program.json";

    private const uint HeaderMagic = 0x04034B50;
    private const int HeaderBytes = 30;

    private readonly ByteSource _source;
    private readonly ArtifactLimits _limits;
    private readonly Dictionary<string, ZipEntry> _entries;
    private readonly long _directoryOffset;
    private long _unpacked;

    public ZipFile(ByteSource source, ArtifactLimits limits, string where)
    {
        _source = source;
        _limits = limits;
        Where = where;
        _entries = ZipDirectory.Read(source, limits, where, out _directoryOffset);
        Root = _entries.ContainsKey(FlatProgram) ? "" : SingleRoot();
    }

    public string Where { get; }

    /// <summary>The one folder that holds every entry, with its slash; empty for a <see cref="FlatProgram"/>.</summary>
    public string Root { get; }

    /// <summary>Names below <see cref="Root"/>, ordered.</summary>
    public IEnumerable<string> Names => _entries.Keys.Select(name => name[Root.Length..]).Order(StringComparer.Ordinal);

    public bool Has(string name) => _entries.ContainsKey(Root + name);

    public string Place(string name) => $"{Where}, entry '{Shown.Of(name)}'";

    /// <summary>The unpacked bytes of an entry named below the root.</summary>
    public ReadOnlyMemory<byte> Read(string name)
    {
        if (!_entries.TryGetValue(Root + name, out ZipEntry? entry))
        {
            throw ArtifactException.Missing(Where, $"the archive has no entry '{Shown.Of(name)}'");
        }

        string where = Place(name);
        CheckSizes(entry, where);
        ReadOnlyMemory<byte> packed = _source.Read(DataOffset(entry, where), (int)entry.PackedBytes);
        ReadOnlyMemory<byte> bytes = entry.Method == ZipEntry.Stored ? packed : Inflate(packed, (int)entry.Bytes, where);
        _unpacked += bytes.Length;
        return Crc32.HashToUInt32(bytes.Span) == entry.Checksum
            ? bytes
            : throw ArtifactException.Corrupt(where, "the entry's bytes do not fit its checksum");
    }

    private void CheckSizes(ZipEntry entry, string where)
    {
        if (
            entry.Bytes < 0
            || entry.PackedBytes < 0
            || entry.Bytes > _limits.BlockBytes
            || entry.PackedBytes > _limits.BlockBytes
            || _unpacked + entry.Bytes > _limits.TotalBytes
        )
        {
            throw ArtifactException.TooLarge(
                where,
                $"the entry announces {entry.Bytes} bytes ({entry.PackedBytes} packed); at most {_limits.BlockBytes} are read"
            );
        }

        if (entry.Method == ZipEntry.Stored && entry.Bytes != entry.PackedBytes)
        {
            throw ArtifactException.Corrupt(where, $"the entry is stored, but announces {entry.Bytes} bytes in {entry.PackedBytes}");
        }

        if (entry.Bytes > _limits.RatioFreeBytes && entry.Bytes / _limits.Ratio > entry.PackedBytes)
        {
            throw ArtifactException.TooLarge(
                where,
                $"the entry unpacks {entry.PackedBytes} bytes to {entry.Bytes}, more than {_limits.Ratio} times as many"
            );
        }
    }

    private long DataOffset(ZipEntry entry, string where)
    {
        if (entry.HeaderOffset < 0 || entry.HeaderOffset > _directoryOffset - HeaderBytes)
        {
            throw ArtifactException.Corrupt(
                where,
                $"the entry's header at {entry.HeaderOffset} does not lie before the archive's directory"
            );
        }

        ReadOnlySpan<byte> header = _source.Read(entry.HeaderOffset, HeaderBytes).Span;
        int nameBytes = BinaryPrimitives.ReadUInt16LittleEndian(header[26..]);
        long nameOffset = entry.HeaderOffset + HeaderBytes;
        long dataOffset = nameOffset + nameBytes + BinaryPrimitives.ReadUInt16LittleEndian(header[28..]);
        if (
            BinaryPrimitives.ReadUInt32LittleEndian(header) != HeaderMagic
            || dataOffset > _directoryOffset
            || !_source.Read(nameOffset, nameBytes).Span.SequenceEqual(Encoding.UTF8.GetBytes(entry.Name))
        )
        {
            throw ArtifactException.Corrupt(where, "the entry's own header contradicts the archive's directory");
        }

        return entry.PackedBytes <= _directoryOffset - dataOffset
            ? dataOffset
            : throw ArtifactException.Corrupt(where, $"the entry's {entry.PackedBytes} bytes reach into the archive's directory");
    }

    private static byte[] Inflate(ReadOnlyMemory<byte> packed, int count, string where)
    {
        byte[] bytes = GC.AllocateUninitializedArray<byte>(count);
        try
        {
            using var inflater = new DeflateStream(new MemoryStream(packed.ToArray(), writable: false), CompressionMode.Decompress);
            int read = inflater.ReadAtLeast(bytes, count, throwOnEndOfStream: false);
            return read == count && inflater.ReadByte() < 0
                ? bytes
                : throw ArtifactException.Corrupt(
                    where,
                    read < count
                        ? $"the entry announces {count} bytes and holds {read}"
                        : $"the entry announces {count} bytes and holds more"
                );
        }
        catch (InvalidDataException failure)
        {
            throw new ArtifactException(
                ArtifactFault.Corrupt,
                where,
                "the entry's packed bytes are broken",
                ArtifactException.SaveAgain + ".",
                failure
            );
        }
    }

    private string SingleRoot()
    {
        string? root = null;
        foreach (string name in _entries.Keys)
        {
            int slash = name.IndexOf('/', StringComparison.Ordinal);
            string folder = slash > 0 ? name[..(slash + 1)] : "";
            if (folder.Length == 0 || (root ??= folder) != folder)
            {
                throw ArtifactException.Corrupt(
                    Where,
                    $"the entry '{Shown.Of(name)}' does not lie in the archive's one folder{(root is null ? "" : $" '{Shown.Of(root)}'")}"
                );
            }
        }

        return root ?? throw ArtifactException.Missing(Where, "the archive is empty");
    }
}

using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace Troupe.TestSupport.Artifacts;

/// <summary>Writes zip archives as PyTorch does (stored, one root folder), and dishonest ones: any name twice, any announced
/// size.</summary>
public sealed class ZipWriter
{
    private readonly MemoryStream _data = new();
    private readonly MemoryStream _directory = new();
    private int _count;

    /// <summary>Adds an entry under its full name.</summary>
    /// <param name="announced">Unpacked size to claim instead of the true one.</param>
    public ZipWriter Add(string name, ReadOnlySpan<byte> content, bool deflate = false, long? announced = null, bool zip64 = false)
    {
        byte[] packed = deflate ? Deflate(content) : content.ToArray();
        byte[] utf8 = Encoding.UTF8.GetBytes(name);
        uint crc = Checksum(content);
        long size = announced ?? content.Length;
        uint offset = (uint)_data.Length;
        byte[] extra = zip64 ? Zip64(size, packed.Length, offset) : [];

        Word(_data, 0x04034B50);
        Half(_data, 20, 0, deflate ? 8 : 0, 0, 0);
        Word(_data, crc, (uint)packed.Length, (uint)size);
        Half(_data, utf8.Length, 0);
        _data.Write(utf8);
        _data.Write(packed);

        Word(_directory, 0x02014B50);
        Half(_directory, 20, 20, 0, deflate ? 8 : 0, 0, 0);
        Word(_directory, crc, zip64 ? uint.MaxValue : (uint)packed.Length, zip64 ? uint.MaxValue : (uint)size);
        Half(_directory, utf8.Length, extra.Length, 0, 0, 0);
        Word(_directory, 0, zip64 ? uint.MaxValue : offset);
        _directory.Write(utf8);
        _directory.Write(extra);
        _count++;
        return this;
    }

    public ZipWriter Add(string name, string content, bool deflate = false) => Add(name, Encoding.UTF8.GetBytes(content), deflate);

    /// <param name="count">Number of entries to claim instead of the true one.</param>
    public byte[] End(int? count = null)
    {
        using var file = new MemoryStream();
        file.Write(_data.ToArray());
        file.Write(_directory.ToArray());
        Word(file, 0x06054B50);
        Half(file, 0, 0, count ?? _count, count ?? _count);
        Word(file, (uint)_directory.Length, (uint)_data.Length);
        Half(file, 0);
        return file.ToArray();
    }

    private static byte[] Zip64(long size, long packed, long offset)
    {
        byte[] extra = new byte[28];
        BinaryPrimitives.WriteUInt16LittleEndian(extra, 1);
        BinaryPrimitives.WriteUInt16LittleEndian(extra.AsSpan(2), 24);
        BinaryPrimitives.WriteInt64LittleEndian(extra.AsSpan(4), size);
        BinaryPrimitives.WriteInt64LittleEndian(extra.AsSpan(12), packed);
        BinaryPrimitives.WriteInt64LittleEndian(extra.AsSpan(20), offset);
        return extra;
    }

    private static byte[] Deflate(ReadOnlySpan<byte> content)
    {
        using var packed = new MemoryStream();
        using (var deflater = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            deflater.Write(content);
        }

        return packed.ToArray();
    }

    /// <summary>Bit by bit, so that the product's table is checked against something else.</summary>
    private static uint Checksum(ReadOnlySpan<byte> content)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in content)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc >> 1) ^ (0xEDB88320 & (0 - (crc & 1)));
            }
        }

        return ~crc;
    }

    private static void Half(MemoryStream stream, params ReadOnlySpan<int> values)
    {
        foreach (int value in values)
        {
            stream.WriteByte((byte)value);
            stream.WriteByte((byte)(value >> 8));
        }
    }

    private static void Word(MemoryStream stream, params ReadOnlySpan<uint> values)
    {
        foreach (uint value in values)
        {
            Half(stream, (int)(value & 0xFFFF), (int)(value >> 16));
        }
    }
}

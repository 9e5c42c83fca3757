using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Troupe.Runtime.Engines.Caches;

/// <summary>A runtime cache as bytes: <c>TRTC</c>, version, count, then each key and kernel with its length, and a SHA-256 of it
/// all.</summary>
/// <remarks>Little-endian. Read as a whole or not at all: one damaged byte makes an empty cache, never a wrong kernel.</remarks>
internal static class RuntimeCacheFormat
{
    private const uint Magic = 0x43545254;
    private const uint Version = 1;
    private const int HeaderBytes = 12;

    public static byte[] Write(IReadOnlyDictionary<string, byte[]> entries)
    {
        using var stream = new MemoryStream();
        using (var writer = new BinaryWriter(stream, Encoding.UTF8, leaveOpen: true))
        {
            writer.Write(Magic);
            writer.Write(Version);
            writer.Write(entries.Count);
            foreach ((string key, byte[] kernel) in entries.OrderBy(entry => entry.Key, StringComparer.Ordinal))
            {
                byte[] name = Encoding.UTF8.GetBytes(key);
                writer.Write(name.Length);
                writer.Write(name);
                writer.Write(kernel.Length);
                writer.Write(kernel);
            }
        }

        byte[] written = stream.ToArray();
        return [.. written, .. SHA256.HashData(written)];
    }

    /// <summary>Whether the bytes begin as a cache does: anything else is somebody's file and not overwritten.</summary>
    public static bool IsCache(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= sizeof(uint) && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic;

    /// <summary>Adds what <paramref name="bytes"/> hold to <paramref name="entries"/>, which keep what they have; <paramref name="damage"/>
    /// says why nothing was added.</summary>
    public static void Read(ReadOnlySpan<byte> bytes, Dictionary<string, byte[]> entries, out string? damage)
    {
        damage = Damage(bytes);
        if (damage is not null)
        {
            return;
        }

        var read = new List<(string Key, byte[] Kernel)>();
        ReadOnlySpan<byte> rest = bytes[HeaderBytes..^SHA256.HashSizeInBytes];
        for (int left = BinaryPrimitives.ReadInt32LittleEndian(bytes[8..]); left > 0; left--)
        {
            if (!TryTake(ref rest, out ReadOnlySpan<byte> key) || !TryTake(ref rest, out ReadOnlySpan<byte> kernel))
            {
                damage = "its lengths do not fit its size";
                return;
            }

            read.Add((Encoding.UTF8.GetString(key), kernel.ToArray()));
        }

        if (!rest.IsEmpty)
        {
            damage = "its lengths do not fit its size";
            return;
        }

        foreach ((string key, byte[] kernel) in read)
        {
            entries.TryAdd(key, kernel);
        }
    }

    private static bool TryTake(ref ReadOnlySpan<byte> rest, out ReadOnlySpan<byte> piece)
    {
        piece = default;
        if (
            rest.Length < sizeof(int)
            || BinaryPrimitives.ReadInt32LittleEndian(rest) is var length && (length < 0 || length > rest.Length - sizeof(int))
        )
        {
            return false;
        }

        piece = rest.Slice(sizeof(int), length);
        rest = rest[(sizeof(int) + length)..];
        return true;
    }

    private static string? Damage(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderBytes + SHA256.HashSizeInBytes || !IsCache(bytes))
        {
            return "it is no runtime cache";
        }

        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]) is var version && version != Version)
        {
            return $"it has version {version}; version {Version} is read";
        }

        return SHA256.HashData(bytes[..^SHA256.HashSizeInBytes]).AsSpan().SequenceEqual(bytes[^SHA256.HashSizeInBytes..])
            ? null
            : "it is damaged (checksum)";
    }
}

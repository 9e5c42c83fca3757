using System.Buffers.Binary;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Wire;

/// <summary>Looks over the structure of a message before anything is built from it: one level of every value, bounded depth, lengths that
/// the bytes can hold.</summary>
/// <remarks>One pass without recursion or allocation, so that a few kilobytes of nested headers cannot exhaust the stack of whoever skips
/// them.</remarks>
internal static class MessagePackStructure
{
    public static void Check(string manifest, ReadOnlySpan<byte> bytes)
    {
        // Values still expected on each level.
        Span<long> open = stackalloc long[WireLimits.Depth + 1];
        int depth = 0;
        open[0] = 1;
        int at = 0;
        while (true)
        {
            while (open[depth] == 0)
            {
                if (depth-- == 0)
                {
                    return;
                }
            }

            open[depth]--;
            if (at >= bytes.Length)
            {
                throw Truncated(manifest, bytes.Length);
            }

            (long skip, long children) = Header(manifest, bytes, at);
            if (skip > bytes.Length - at || children > bytes.Length - at)
            {
                throw Truncated(manifest, bytes.Length);
            }

            at += (int)skip;
            if (children > 0)
            {
                if (++depth > WireLimits.Depth)
                {
                    throw new WireException(manifest, "it is nested too deeply", $"at most {WireLimits.Depth} levels");
                }

                open[depth] = children;
            }
        }
    }

    /// <summary>Bytes of the value at <paramref name="at"/> without its children, and how many of those there are.</summary>
    private static (long Skip, long Children) Header(string manifest, ReadOnlySpan<byte> bytes, int at)
    {
        byte code = bytes[at];
        return code switch
        {
            <= 0x7f or >= 0xe0 or 0xc0 or 0xc2 or 0xc3 => (1, 0),
            <= 0x8f => (1, (code & 0x0f) * 2),
            <= 0x9f => (1, code & 0x0f),
            <= 0xbf => (1 + (code & 0x1f), 0),
            0xc4 or 0xd9 => (2 + Length(manifest, bytes, at, 1), 0),
            0xc5 or 0xda => (3 + Length(manifest, bytes, at, 2), 0),
            0xc6 or 0xdb => (5 + Length(manifest, bytes, at, 4), 0),
            0xc7 => (3 + Length(manifest, bytes, at, 1), 0),
            0xc8 => (4 + Length(manifest, bytes, at, 2), 0),
            0xc9 => (6 + Length(manifest, bytes, at, 4), 0),
            0xcc or 0xd0 => (2, 0),
            0xcd or 0xd1 => (3, 0),
            0xca or 0xce or 0xd2 => (5, 0),
            0xcb or 0xcf or 0xd3 => (9, 0),
            0xd4 => (3, 0),
            0xd5 => (4, 0),
            0xd6 => (6, 0),
            0xd7 => (10, 0),
            0xd8 => (18, 0),
            0xdc => (3, Length(manifest, bytes, at, 2)),
            0xdd => (5, Length(manifest, bytes, at, 4)),
            0xde => (3, Length(manifest, bytes, at, 2) * 2),
            0xdf => (5, Length(manifest, bytes, at, 4) * 2),
            _ => throw new WireException(manifest, $"it holds the byte 0x{code:x2} at {at}", "MessagePack"),
        };
    }

    private static long Length(string manifest, ReadOnlySpan<byte> bytes, int at, int size)
    {
        ReadOnlySpan<byte> rest = bytes[(at + 1)..];
        if (rest.Length < size)
        {
            throw Truncated(manifest, bytes.Length);
        }

        return size switch
        {
            1 => rest[0],
            2 => BinaryPrimitives.ReadUInt16BigEndian(rest),
            _ => BinaryPrimitives.ReadUInt32BigEndian(rest),
        };
    }

    private static WireException Truncated(string manifest, int length) =>
        new(manifest, $"it ends after {length} bytes, but declares more", "whole messages");
}

using System.Buffers.Binary;

namespace Troupe.Hosting.Pictures;

/// <summary>A file of unsigned bytes in the IDX format, in which the MNIST family of data sets comes: a magic number, the sizes, the
/// bytes.</summary>
internal sealed record IdxFile(int[] Sizes, byte[] Bytes)
{
    private const byte UnsignedByte = 0x08;

    /// <summary>Number of entries along the first dimension.</summary>
    public int Count => Sizes[0];

    /// <summary>Bytes of one entry.</summary>
    public int EntryLength => Bytes.Length / Math.Max(1, Count);

    public ReadOnlyMemory<byte> Entry(int index) => Bytes.AsMemory(index * EntryLength, EntryLength);

    /// <summary>Whether a file begins as an IDX file of bytes does.</summary>
    public static bool IsIdx(ReadOnlySpan<byte> file) => file is [0, 0, UnsignedByte, >= 1 and <= 8, ..];

    /// <exception cref="InvalidDataException">Not IDX, not of unsigned bytes, or its length does not fit its sizes.</exception>
    public static IdxFile Parse(ReadOnlySpan<byte> file)
    {
        if (!IsIdx(file) || file.Length < 4 + (4 * file[3]))
        {
            throw new InvalidDataException("not an IDX file of unsigned bytes");
        }

        int[] sizes = new int[file[3]];
        long length = 1;
        for (int dimension = 0; dimension < sizes.Length; dimension++)
        {
            sizes[dimension] = BinaryPrimitives.ReadInt32BigEndian(file[(4 + (4 * dimension))..]);
            length = sizes[dimension] >= 0 ? Math.Min(length * sizes[dimension], int.MaxValue) : -1;
        }

        ReadOnlySpan<byte> bytes = file[(4 + (4 * sizes.Length))..];
        return bytes.Length == length
            ? new IdxFile(sizes, bytes.ToArray())
            : throw new InvalidDataException(
                $"the IDX file says [{string.Join(',', sizes)}], that is {length} bytes, and has {bytes.Length}"
            );
    }
}

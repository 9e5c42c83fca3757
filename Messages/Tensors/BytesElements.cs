using System.Buffers.Binary;

namespace Troupe.Messages.Tensors;

/// <summary>Walks the elements of <see cref="ElementType.Bytes"/> data, each behind its length in four bytes, little-endian.</summary>
/// <remarks>Trusts nothing: a step that finds less than was announced says so and goes no further. Allocates nothing.</remarks>
public ref struct BytesElements(ReadOnlySpan<byte> data)
{
    /// <summary>Bytes of the length before each element.</summary>
    public const int PrefixBytes = sizeof(uint);

    private ReadOnlySpan<byte> _rest = data;

    /// <summary>Elements found so far.</summary>
    public long Count { get; private set; }

    /// <summary>The element that the last step found.</summary>
    public ReadOnlySpan<byte> Current { get; private set; }

    /// <summary>Length that the element at hand announces.</summary>
    public uint Announced { get; private set; }

    /// <summary>Bytes behind what was read so far.</summary>
    public readonly int Left => _rest.Length;

    /// <summary>Goes on to the next element.</summary>
    public BytesStep Next()
    {
        if (_rest.IsEmpty)
        {
            return BytesStep.End;
        }

        if (_rest.Length < PrefixBytes)
        {
            return BytesStep.IncompleteLength;
        }

        Announced = BinaryPrimitives.ReadUInt32LittleEndian(_rest);
        _rest = _rest[PrefixBytes..];
        if (Announced > (uint)_rest.Length)
        {
            return BytesStep.IncompleteElement;
        }

        Current = _rest[..(int)Announced];
        _rest = _rest[(int)Announced..];
        Count++;
        return BytesStep.Element;
    }

    /// <summary>Data of one element.</summary>
    public static byte[] Single(ReadOnlySpan<byte> element)
    {
        byte[] data = new byte[PrefixBytes + element.Length];
        WriteSingle(element, data);
        return data;
    }

    /// <summary>The same, into <see cref="PrefixBytes"/> more than the element has.</summary>
    public static void WriteSingle(ReadOnlySpan<byte> element, Span<byte> data)
    {
        BinaryPrimitives.WriteInt32LittleEndian(data, element.Length);
        element.CopyTo(data[PrefixBytes..]);
    }
}

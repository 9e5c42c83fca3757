using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Troupe.Runtime.Configuration;

/// <summary>The binary form of messages while it is written. A nested message gets a length of fixed width, which is filled in when it
/// ends: one buffer serves all levels.</summary>
/// <remarks>Readers write this form and the generated parser reads it, so that nothing is set by reflection.</remarks>
internal sealed class WireBuffer
{
    /// <summary>Bytes of the length of a nested message: the most that 32 bits take.</summary>
    private const int LengthBytes = 5;

    private const int Varint = 0,
        Fixed64 = 1,
        Nested = 2,
        Fixed32 = 5;

    private readonly List<byte> _bytes = [];

    public ReadOnlySpan<byte> Written => CollectionsMarshal.AsSpan(_bytes);

    public void WriteVarint(int field, ulong value)
    {
        Varints(Tag(field, Varint));
        Varints(value);
    }

    public void WriteFloat(int field, float value)
    {
        Varints(Tag(field, Fixed32));
        BinaryPrimitives.WriteSingleLittleEndian(Take(sizeof(float)), value);
    }

    public void WriteDouble(int field, double value)
    {
        Varints(Tag(field, Fixed64));
        BinaryPrimitives.WriteDoubleLittleEndian(Take(sizeof(double)), value);
    }

    public void WriteBytes(int field, ReadOnlySpan<byte> value)
    {
        Varints(Tag(field, Nested));
        Varints((ulong)value.Length);
        _bytes.AddRange(value);
    }

    /// <summary>Begins a nested message.</summary>
    /// <returns>For <see cref="End"/>.</returns>
    public int Begin(int field)
    {
        Varints(Tag(field, Nested));
        Take(LengthBytes);
        return _bytes.Count;
    }

    /// <summary>Ends the nested message that began at <paramref name="start"/>.</summary>
    public void End(int start)
    {
        uint length = (uint)(_bytes.Count - start);
        Span<byte> place = CollectionsMarshal.AsSpan(_bytes)[(start - LengthBytes)..start];
        for (int index = 0; index < LengthBytes; index++)
        {
            byte more = (byte)(index < LengthBytes - 1 ? 0x80 : 0);
            place[index] = (byte)((length & 0x7F) | more);
            length >>= 7;
        }
    }

    private static ulong Tag(int field, int wireType) => ((ulong)field << 3) | (uint)wireType;

    private void Varints(ulong value)
    {
        while (value >= 0x80)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }

        _bytes.Add((byte)value);
    }

    private Span<byte> Take(int count)
    {
        int start = _bytes.Count;
        CollectionsMarshal.SetCount(_bytes, start + count);
        Span<byte> taken = CollectionsMarshal.AsSpan(_bytes)[start..];
        taken.Clear();
        return taken;
    }
}

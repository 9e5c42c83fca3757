using System.Buffers;

namespace Troupe.Hosting.Http.V2;

/// <summary>A pooled, growing buffer for one whole answer, so that headers and body leave in one write.</summary>
/// <remarks><b>Owns</b> a rented array until disposed; <see cref="Written"/> is valid until then.</remarks>
internal sealed class ResponseBody(int initialCapacity = 4096) : IBufferWriter<byte>, IDisposable
{
    private byte[] _array = ArrayPool<byte>.Shared.Rent(initialCapacity);
    private int _count;

    public int Count => _count;

    public ReadOnlyMemory<byte> Written => _array.AsMemory(0, _count);

    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_array.Length - _count));
        _count += count;
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _array.AsMemory(_count);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _array.AsSpan(_count);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_array.AsSpan(_count));
        _count += bytes.Length;
    }

    public void Write(byte value)
    {
        Ensure(1);
        _array[_count++] = value;
    }

    /// <summary>Forgets what was written, keeping the array.</summary>
    public void Clear() => _count = 0;

    public void Dispose()
    {
        byte[] array = _array;
        _array = [];
        _count = 0;
        if (array.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    private void Ensure(int more)
    {
        if (_array.Length - _count < more)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_count + more), _array.Length * 2));
            _array.AsSpan(0, _count).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }
    }
}

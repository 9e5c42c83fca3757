using System.Buffers;

namespace Troupe.Hosting.Http.V2;

/// <summary>A pooled, growing buffer for one whole answer, so that headers and body leave in one write.</summary>
/// <remarks><b>Owns</b> a rented array until disposed; <see cref="Written"/> is valid until then.</remarks>
/// <param name="limit">Most bytes that it takes.</param>
/// <param name="aborted">Nobody waits for the answer any more.</param>
internal sealed class ResponseBody(int initialCapacity = 4096, long limit = long.MaxValue, CancellationToken aborted = default)
    : IBufferWriter<byte>,
        IDisposable
{
    /// <summary>Elements that are written between two looks at whether anybody waits for them.</summary>
    private const int Look = 1 << 14;

    private byte[] _array = ArrayPool<byte>.Shared.Rent(initialCapacity);
    private int _count;

    public int Count => _count;

    /// <summary>Most bytes that it takes, no more than an array can be.</summary>
    public long Limit { get; } = Math.Min(limit, Array.MaxLength);

    /// <summary>Nobody waits for the answer any more.</summary>
    public CancellationToken Aborted => aborted;

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

    /// <summary>Before each element of a long row.</summary>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer any more.</exception>
    public void Reach(int element)
    {
        if (element % Look == 0)
        {
            aborted.ThrowIfCancellationRequested();
        }
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
        if (Math.Min(_array.Length, Limit) - _count < more)
        {
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)RoomFor((long)_count + more));
            _array.AsSpan(0, _count).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_array);
            _array = larger;
        }
    }

    /// <exception cref="ProtocolException">It is more than an answer may have.</exception>
    private long RoomFor(long needed) =>
        needed <= Limit
            ? Math.Max(needed, Math.Min(2L * _array.Length, Limit))
            : throw new ProtocolException(
                $"the answer is larger than the {Limit} bytes that come back; ask for fewer outputs, or with binary_data for those that are wanted as JSON",
                plainText: true
            );
}

using System.Buffers;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Http.V2;

/// <summary>A growing buffer for an answer, or for a tensor that is read from JSON: a pooled page while it is small, then a leased
/// block.</summary>
/// <remarks><b>Owns</b> page and lease until disposed; <see cref="Written"/> is valid until then, and until more is written.</remarks>
/// <param name="memory">Where the block is from.</param>
/// <param name="limit">Most bytes that it takes.</param>
/// <param name="budget">Whom the block counts for; null: nobody.</param>
/// <param name="aborted">Nobody waits for the answer any more.</param>
internal sealed class ResponseBody(
    HostMemory memory,
    long limit = long.MaxValue,
    HostBudget? budget = null,
    CancellationToken aborted = default
) : IBufferWriter<byte>, IDisposable
{
    /// <summary>Elements that are written between two looks at whether anybody waits for them.</summary>
    private const int Look = 1 << 14;

    private const int PageBytes = 4096;
    private const int LeastBlock = 1 << 16;

    private byte[] _page = ArrayPool<byte>.Shared.Rent(PageBytes);
    private int _inPage;
    private TensorLease? _lease;
    private int _inLease;
    private bool _isGivenLease;

    public int Count => _inLease + _inPage;

    /// <summary>Most bytes that it takes, no more than an array can be.</summary>
    public long Limit { get; } = Math.Min(limit, Array.MaxLength);

    /// <summary>Where its block is from.</summary>
    public HostMemory Memory => memory;

    /// <summary>Nobody waits for the answer any more.</summary>
    public CancellationToken Aborted => aborted;

    public ReadOnlyMemory<byte> Written
    {
        get
        {
            if (_lease is null)
            {
                return _page.AsMemory(0, _inPage);
            }

            Flush();
            return _lease.Memory[.._inLease];
        }
    }

    public void Advance(int count)
    {
        if (_isGivenLease)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_lease!.Length - _inLease));
            _inLease += count;
        }
        else
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)(_page.Length - _inPage));
            _inPage += count;
        }
    }

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _isGivenLease ? _lease!.Memory[_inLease..] : _page.AsMemory(_inPage);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Ensure(Math.Max(sizeHint, 1));
        return _isGivenLease ? _lease!.GetSpan()[_inLease..] : _page.AsSpan(_inPage);
    }

    public void Write(ReadOnlySpan<byte> bytes)
    {
        Ensure(bytes.Length);
        bytes.CopyTo(_isGivenLease ? _lease!.GetSpan()[_inLease..] : _page.AsSpan(_inPage));
        Advance(bytes.Length);
    }

    public void Write(byte value)
    {
        Ensure(1);
        _page[_inPage++] = value;
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

    /// <summary>Forgets what was written, keeping the room.</summary>
    public void Clear() => (_inPage, _inLease) = (0, 0);

    /// <summary>What was written, as a lease of the caller's; nothing is left here.</summary>
    /// <exception cref="HostMemoryException">There is no room at present.</exception>
    public TensorLease Detach()
    {
        TensorLease whole;
        if (_lease is { } lease)
        {
            Flush();
            whole = lease.Part(0, _inLease);
            lease.Release();
            _lease = null;
        }
        else
        {
            whole = memory.Lease(_inPage, budget);
            _page.AsSpan(0, _inPage).CopyTo(whole.GetSpan());
        }

        Clear();
        return whole;
    }

    public void Dispose()
    {
        byte[] page = _page;
        _page = [];
        Clear();
        _lease?.Release();
        _lease = null;
        if (page.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(page);
        }
    }

    /// <summary>So many bytes more are within the limit: they are returned.</summary>
    /// <exception cref="ProtocolException">It is more than an answer may have.</exception>
    public long Require(long more) =>
        Count + more <= Limit
            ? more
            : throw new ProtocolException(
                $"the answer is larger than the {Limit} bytes that come back; ask for fewer outputs, or with binary_data for those that are wanted as JSON",
                plainText: true
            );

    /// <summary>Room in the page, or, for what is larger than it, in the block.</summary>
    /// <exception cref="ProtocolException">It is more than an answer may have.</exception>
    private void Ensure(int more)
    {
        if (Math.Min(_page.Length, Limit - _inLease) - _inPage >= more)
        {
            _isGivenLease = false;
            return;
        }

        Require(more);
        Flush();
        _isGivenLease = more > _page.Length;
        if (_isGivenLease)
        {
            Grow(more);
        }
    }

    private void Flush()
    {
        Grow(_inPage);
        _page.AsSpan(0, _inPage).CopyTo(_lease!.GetSpan()[_inLease..]);
        _inLease += _inPage;
        _inPage = 0;
    }

    private void Grow(int more)
    {
        long needed = (long)_inLease + more;
        if (_lease is not { } old)
        {
            _lease = memory.Lease(Math.Max(needed, LeastBlock), budget);
        }
        else if (needed > old.Length)
        {
            TensorLease larger = memory.Lease(Math.Max(needed, Math.Min(2L * old.Length, Limit)), budget);
            old.GetSpan()[.._inLease].CopyTo(larger.GetSpan());
            old.Release();
            _lease = larger;
        }
    }
}

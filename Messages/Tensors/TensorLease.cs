using System.Buffers;

namespace Troupe.Messages.Tensors;

/// <summary>A part of a block of host memory in the hands of one owner, who hands it on or releases it; the block lives as long as one of
/// its leases.</summary>
/// <remarks>
/// Every look at <see cref="MemoryManager{T}.Memory"/> is checked: behind the end of the lease it is an error, never another's bytes. A
/// reader that is not the owner, and may be overtaken by the end, borrows the bytes meanwhile. <b>Thread</b> any.
/// </remarks>
public sealed class TensorLease : MemoryManager<byte>
{
    /// <summary>Added to the number of borrowers when the owner has given it up.</summary>
    private const int GivenUp = int.MinValue;

    private readonly ITensorBlock _block;
    private readonly int _offset;
    private int _state;
    private bool _handedOn;

    /// <param name="block">Counts this lease already.</param>
    public TensorLease(ITensorBlock block, int offset, int length) => (_block, _offset, Length) = (block, offset, length);

#pragma warning disable CA2015 // Nothing is freed here: whoever has a span has its tensor too, and what nobody has is taken back later.
    /// <summary>Nobody ended it: the block is told, which calls no driver here.</summary>
    ~TensorLease() => _block.ReturnForgotten();
#pragma warning restore CA2015

    /// <summary>Bytes of the part.</summary>
    public int Length { get; }

    /// <summary>Its owner has neither handed it on nor released it.</summary>
    public bool IsHeld => Volatile.Read(ref _state) >= 0;

    /// <exception cref="TensorLeaseException">It is over.</exception>
    public override Span<byte> GetSpan()
    {
        Check(Volatile.Read(ref _state) != GivenUp);
        return _block.Part(_offset, Length);
    }

    /// <summary>A lease of its own of a part of this part.</summary>
    /// <exception cref="TensorLeaseException">This one is over.</exception>
    public TensorLease Part(int offset, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length - offset);
        Check(TryBorrow());
        _block.Keep();
        Return();
        return new TensorLease(_block, _offset + offset, length);
    }

    /// <summary>The next owner's lease of the same bytes; this one is over.</summary>
    /// <exception cref="TensorLeaseException">It was over before.</exception>
    public TensorLease HandOn()
    {
        TensorLease next = Part(0, Length);
        try
        {
            GiveUp(handedOn: true);
            return next;
        }
        catch
        {
            next.Release();
            throw;
        }
    }

    /// <summary>The end of it: the owner needs the bytes no longer.</summary>
    /// <exception cref="TensorLeaseException">It was over before.</exception>
    public void Release() => GiveUp(handedOn: false);

    /// <summary>For a reader whom the owner does not wait for: the bytes stay until <see cref="Return"/>. False when it is over.</summary>
    public bool TryBorrow()
    {
        int state = Volatile.Read(ref _state);
        while (state >= 0)
        {
            int before = Interlocked.CompareExchange(ref _state, state + 1, state);
            if (before == state)
            {
                return true;
            }

            state = before;
        }

        return false;
    }

    /// <summary>Once for each <see cref="TryBorrow"/> that succeeded.</summary>
    public void Return()
    {
        if (Interlocked.Decrement(ref _state) == GivenUp)
        {
            End();
        }
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        Check(Volatile.Read(ref _state) != GivenUp);
        return _block.Pin(_offset + elementIndex);
    }

    public override void Unpin() { }

    /// <summary>Ends it if nobody has.</summary>
    protected override void Dispose(bool disposing)
    {
        if (disposing && IsHeld)
        {
            Release();
        }
    }

    private void GiveUp(bool handedOn)
    {
        int state = Volatile.Read(ref _state);
        while (true)
        {
            Check(state >= 0);
            int before = Interlocked.CompareExchange(ref _state, state + GivenUp, state);
            if (before == state)
            {
                break;
            }

            state = before;
        }

        _handedOn = handedOn;
        if (state == 0)
        {
            End();
        }
    }

    private void End()
    {
#pragma warning disable CA1816 // Its end is what disposing is to others.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _block.Return();
    }

    private void Check(bool isAlive)
    {
        if (!isAlive)
        {
            throw new TensorLeaseException(
                _handedOn
                    ? $"A lease of {Length} bytes was handed on: its next owner alone may use it."
                    : $"A lease of {Length} bytes was released before: its bytes are no longer there."
            );
        }
    }
}

using System.Buffers;
using System.Runtime.CompilerServices;
using MessagePack;
using Troupe.Messages.Tensors;
using Troupe.Messages.Tests.Wire;

namespace Troupe.Messages.Tests.Tensors;

/// <summary>One owner: whoever else uses, hands on or releases a lease gets an error, and never another's bytes.</summary>
public sealed class TensorLeaseTests
{
    private static readonly TensorShape Four = new(4);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void A_lease_that_was_handed_on_is_its_next_owners_alone()
    {
        Block block = new(4);
        TensorLease first = block.Lend();
        Memory<byte> seen = first.Memory;

        TensorLease next = first.HandOn();

        Assert.Throws<TensorLeaseException>(() => seen.Span[0]);
        Assert.Throws<TensorLeaseException>(() => first.Memory);
        Assert.Throws<TensorLeaseException>(first.HandOn);
        Assert.Throws<TensorLeaseException>(() => first.Part(0, 1));
        Assert.Contains("handed on", Assert.Throws<TensorLeaseException>(first.Release).Message, StringComparison.Ordinal);
        Assert.False(first.TryBorrow());
        Assert.Equal(7, next.Memory.Span[0]);
        next.Release();
        Assert.Equal(0, block.Leases);
    }

    [Fact]
    public void A_lease_is_released_once()
    {
        Block block = new(4);
        TensorLease lease = block.Lend();
        Memory<byte> seen = lease.Memory;

        lease.Release();

        Assert.Contains("released before", Assert.Throws<TensorLeaseException>(lease.Release).Message, StringComparison.Ordinal);
        Assert.Throws<TensorLeaseException>(() => seen.Span[0]);
        Assert.Throws<TensorLeaseException>(() => seen.Pin());
        ((IDisposable)lease).Dispose();
        Assert.Equal((0, 1), (block.Leases, block.Returned));
    }

    [Fact]
    public void A_part_keeps_the_block_and_nothing_but_its_own_bytes()
    {
        Block block = new(4);
        TensorLease whole = block.Lend();

        TensorLease part = whole.Part(1, 2);
        whole.Release();

        Assert.Equal(new byte[] { 8, 9 }, part.Memory.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Part(1, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => part.Part(-1, 1));
        Assert.Equal(1, block.Leases);
        part.Release();
        Assert.Equal(0, block.Leases);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_borrower_reads_on_when_the_owner_has_gone_and_the_block_stays_until_it_is_done(bool handedOn)
    {
        Block block = new(4);
        TensorLease lease = block.Lend();
        Assert.True(lease.TryBorrow());
        Assert.True(lease.TryBorrow());

        TensorLease? next = handedOn ? lease.HandOn() : null;
        if (!handedOn)
        {
            lease.Release();
        }

        Assert.False(lease.TryBorrow());
        Assert.Equal(7, lease.Memory.Span[0]);
        lease.Return();
        Assert.Equal(7, lease.Memory.Span[0]);
        lease.Return();
        Assert.Throws<TensorLeaseException>(() => lease.Memory);
        Assert.Equal(handedOn ? 1 : 0, block.Leases);
        next?.Release();
        Assert.Equal(0, block.Leases);
    }

    [Fact]
    public void What_is_forgotten_is_noted_by_the_finalizer_and_nothing_else_happens_there()
    {
        Block block = new(4);
        Forget(block);

        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.Equal((1, 1, 0), (block.Leases, block.Forgotten, block.Returned));
    }

    [Fact]
    public void Many_who_hand_on_and_borrow_at_once_leave_one_owner_and_no_lease()
    {
        for (int round = 0; round < 200; round++)
        {
            Block block = new(4);
            TensorLease lease = block.Lend();
            int owners = 0;
            Parallel.For(
                0,
                8,
                i =>
                {
                    if (i % 2 == 0)
                    {
                        if (lease.TryBorrow())
                        {
                            lease.Return();
                        }

                        return;
                    }

                    try
                    {
                        lease.HandOn().Release();
                        Interlocked.Increment(ref owners);
                    }
                    catch (TensorLeaseException)
                    {
                        // Somebody was first.
                    }
                }
            );
            Assert.Equal((1, 0), (owners, block.Leases));
        }
    }

    [Fact]
    public void Tensors_hand_their_leases_on_all_or_none()
    {
        Block block = new(4);
        Tensor[] tensors = [Leased("a", block.Lend()), new("b", ElementType.UInt8, Four, new byte[4]), Leased("c", block.LendMore())];

        Tensor[] next = tensors.HandOn();

        Assert.Throws<TensorLeaseException>(() => tensors[0].Data);
        Assert.Same(tensors[1], next[1]);
        next[2].Lease!.Release();
        Assert.Throws<TensorLeaseException>(() => next.HandOn());
        Assert.False(next.TryBorrow());
        Assert.Throws<TensorLeaseException>(() => next[0].Data);
        Assert.Equal(0, block.Leases);
        next.ReleaseHeld();
    }

    [Fact]
    public void Tensors_that_are_borrowed_outlive_their_release_and_copies_own_their_bytes()
    {
        Block block = new(4);
        Tensor[] tensors = [Leased("a", block.Lend())];
        Tensor[] copies = tensors.Copied();
        Assert.True(tensors.TryBorrow());

        tensors.Release();

        Assert.Equal(7, tensors[0].Data.Span[0]);
        tensors.Return();
        Assert.Equal(0, block.Leases);
        Assert.Equal(7, copies[0].Data.Span[0]);
        Assert.Same(copies, copies.Copied());
    }

    [Fact]
    public void Bytes_on_lease_travel_inline()
    {
        Block block = new(4);
        Tensor tensor = Leased("a", block.Lend());

        byte[] wire = MessagePackSerializer.Serialize(tensor, WireTestBytes.Options, Cancellation);
        Tensor read = MessagePackSerializer.Deserialize<Tensor>(wire, WireTestBytes.Options, Cancellation);

        Tensor inline = tensor with { Data = tensor.Data.ToArray() };
        Assert.Equal(wire, MessagePackSerializer.Serialize(inline, WireTestBytes.Options, Cancellation));
        Assert.Equal((4, 4), (read.Payload.Length, read.Payload.Elements));
        Assert.IsType<TensorPayload.Inline>(read.Payload);
        tensor.Lease!.Release();
        Assert.Equal("a UInt8 [4], 4 bytes", tensor.ToString());
    }

    private static Tensor Leased(string name, TensorLease lease) => new(name, ElementType.UInt8, Four, new TensorPayload.Leased(lease, 4));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(Block block) => Assert.Equal(4, block.Lend().Length);

    private sealed class Block(int length) : ITensorBlock
    {
        private readonly byte[] _bytes = [.. Enumerable.Range(7, length).Select(value => (byte)value)];
        private int _leases;

        public int Leases => _leases;

        public int Returned { get; private set; }

        public int Forgotten { get; private set; }

        public TensorLease Lend()
        {
            _leases = 1;
            return new TensorLease(this, 0, _bytes.Length);
        }

        public TensorLease LendMore()
        {
            Keep();
            return new TensorLease(this, 0, _bytes.Length);
        }

        public Span<byte> Part(int offset, int length)
        {
            Assert.True(_leases > 0, "The block is nobody's.");
            return _bytes.AsSpan(offset, length);
        }

        public MemoryHandle Pin(int offset) => _bytes.AsMemory(offset).Pin();

        public void Keep() => Interlocked.Increment(ref _leases);

        public void Return()
        {
            Interlocked.Decrement(ref _leases);
            Returned++;
        }

        public void ReturnForgotten() => Forgotten++;
    }
}

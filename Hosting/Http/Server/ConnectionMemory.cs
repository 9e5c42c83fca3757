using System.Buffers;
using Microsoft.AspNetCore.Connections;

namespace Troupe.Hosting.Http.Server;

/// <summary>The server's own buffers of its connections, in blocks of <see cref="BlockBytes"/>: a part of a large body is received in one
/// call, and a send names few parts, where the server's standard blocks of a page cost six kibibytes of lists for each mebibyte.</summary>
/// <remarks><b>Owns</b> idle blocks; those that nobody needed for <see cref="Idle"/> are left to the collector. <b>Thread</b> any.
/// <b>Blocks</b> never.</remarks>
internal sealed class ConnectionMemory : MemoryPool<byte>
{
    public const int BlockBytes = 1 << 17;

    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(5);

    private readonly Lock _lock = new();
    private readonly Stack<Block> _idle = new();
    private readonly ITimer _trim;

    /// <summary>Fewest that lay idle since the last look: nobody needed those.</summary>
    private int _fewest;
    private bool _isTrimDue;

    public ConnectionMemory(TimeProvider time) =>
        _trim = time.CreateTimer(static pool => ((ConnectionMemory)pool!).Trim(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    public override int MaxBufferSize => BlockBytes;

    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(minBufferSize, BlockBytes);
        lock (_lock)
        {
            if (!_idle.TryPop(out Block? block))
            {
                return new Block(this);
            }

            _fewest = Math.Min(_fewest, _idle.Count);
            return block;
        }
    }

    protected override void Dispose(bool disposing) => _trim.Dispose();

    private void Return(Block block)
    {
        lock (_lock)
        {
            _idle.Push(block);
            if (!_isTrimDue)
            {
                _isTrimDue = true;
                _trim.Change(Idle, Timeout.InfiniteTimeSpan);
            }
        }
    }

    private void Trim()
    {
        lock (_lock)
        {
            for (; _fewest > 0; _fewest--)
            {
                _idle.Pop();
            }

            _fewest = _idle.Count;
            _isTrimDue = _fewest > 0 && _trim.Change(Idle, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Makes one for each of the server's transports.</summary>
    public sealed class Factory : IMemoryPoolFactory<byte>
    {
        public MemoryPool<byte> Create(MemoryPoolOptions? options = null) => new ConnectionMemory(TimeProvider.System);
    }

    private sealed class Block(ConnectionMemory owner) : IMemoryOwner<byte>
    {
        public Memory<byte> Memory { get; } = GC.AllocateUninitializedArray<byte>(BlockBytes, pinned: true);

        /// <summary>The server does so once for each rent.</summary>
        public void Dispose() => owner.Return(this);
    }
}

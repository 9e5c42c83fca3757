namespace Troupe.Runtime.Memory;

/// <summary>How many bytes of host memory one purpose may hold at a time, as blocks are, their unused ends included.</summary>
/// <param name="limit">Most bytes at a time.</param>
/// <param name="what">What holds them, for people.</param>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
public sealed class HostBudget(long limit, string what)
{
    private long _used;
    private long _refusals;

    /// <summary>Most bytes at a time.</summary>
    public long Limit { get; } = limit;

    /// <summary>Bytes that are held.</summary>
    public long Used => Interlocked.Read(ref _used);

    /// <summary>How often there was no room.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>Adds, unless that is more than the most; of several that do so at once as many as fit have it.</summary>
    internal static bool TryRaise(ref long value, long by, long most)
    {
        long now = Interlocked.Read(ref value);
        while (by <= most - now)
        {
            long before = Interlocked.CompareExchange(ref value, now + by, now);
            if (before == now)
            {
                return true;
            }

            now = before;
        }

        return false;
    }

    /// <summary>Refuses what will need more than there is room for now, before any of it is taken.</summary>
    /// <param name="bytes">What a block of it holds at the end.</param>
    /// <param name="held">Length of a lease that grows into it, and counts already; 0: there is none.</param>
    /// <exception cref="HostMemoryException">There is no room at present.</exception>
    public void ThrowIfFull(int bytes, int held)
    {
        long room = HostBlockSize.Bytes(HostBlockSize.Of(bytes)) - (held > 0 ? HostBlockSize.Bytes(HostBlockSize.Of(held)) : 0);
        if (room > Limit - Used)
        {
            Interlocked.Increment(ref _refusals);
            throw Refusal(room);
        }
    }

    internal bool TryTake(long bytes)
    {
        if (TryRaise(ref _used, bytes, Limit))
        {
            return true;
        }

        Interlocked.Increment(ref _refusals);
        return false;
    }

    internal HostMemoryException Refusal(long bytes) =>
        new($"{what} take {Used} of {Limit} bytes, and {bytes} more are needed; try again when some are done");

    internal void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

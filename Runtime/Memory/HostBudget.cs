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

    internal bool TryTake(long bytes)
    {
        long used = Used;
        while (bytes <= Limit - used)
        {
            long before = Interlocked.CompareExchange(ref _used, used + bytes, used);
            if (before == used)
            {
                return true;
            }

            used = before;
        }

        Interlocked.Increment(ref _refusals);
        return false;
    }

    internal HostMemoryException Refusal(long bytes) =>
        new($"{what} take {Used} of {Limit} bytes, and {bytes} more are needed; try again when some are done");

    internal void Return(long bytes) => Interlocked.Add(ref _used, -bytes);
}

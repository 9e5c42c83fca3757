namespace Troupe.Runtime.Configuration;

/// <summary>How long a request may wait, how it ranks and how many may wait, as <c>dynamic_batching</c> configures it. Immutable.</summary>
public sealed class QueuePolicy
{
    private readonly ModelDynamicBatching? _batching;

    internal QueuePolicy(ModelDynamicBatching? batching) => _batching = batching;

    /// <summary>The time that a request may wait for a device; null where nothing bounds it.</summary>
    /// <param name="priority">The caller's: 0 and what is no level is the default one.</param>
    /// <param name="asked">The caller's own time; it shortens a default where the policy admits that, and counts for nothing
    /// otherwise.</param>
    public TimeSpan? QueueTime(ulong priority, ulong asked)
    {
        if (
            _batching is null
            || PolicyOf(priority) is not { } policy
            || policy.TimeoutAction != ModelQueuePolicy.Types.TimeoutAction.Reject
        )
        {
            return null;
        }

        ulong bound = policy.DefaultTimeoutMicroseconds;
        bound = bound > 0 && asked > 0 && policy.AllowTimeoutOverride ? Math.Min(bound, asked) : bound;
        return bound == 0 ? null : Time(bound);
    }

    /// <summary>How long requests are held back until they fill a batch; zero where they are not.</summary>
    public TimeSpan BatchDelay => Time(_batching?.MaxQueueDelayMicroseconds ?? 0);

    /// <summary>Entries that fill a batch: the least size that is preferred, else all that the model takes at once.</summary>
    public long FullBatch(int maxBatchSize) =>
        _batching is { PreferredBatchSize.Count: > 0 } ? _batching.PreferredBatchSize.Min() : maxBatchSize;

    /// <summary>The level of the model that a request is of.</summary>
    public ulong Level(ulong priority) => _batching is null ? 0 : LevelOf(priority);

    /// <summary>Most requests of its level that may wait; null where the node's own limit alone holds.</summary>
    public long? MaxQueueSize(ulong priority) =>
        _batching is not null && PolicyOf(priority) is { MaxQueueSize: > 0 } policy ? policy.MaxQueueSize : null;

    /// <summary>The priority among <paramref name="levels"/> of the node; 0, the default one, where the model has no levels.</summary>
    public ulong Priority(ulong priority, int levels)
    {
        if (_batching is not { PriorityLevels: > 0 } batching)
        {
            return priority <= (ulong)levels ? priority : 0;
        }

        ulong level = LevelOf(priority);
        return batching.PriorityLevels <= (ulong)levels
            ? level
            : (ulong)(1 + (UInt128)(level - 1) * (uint)levels / batching.PriorityLevels);
    }

    /// <summary>A day at most: nobody waits longer.</summary>
    private static TimeSpan Time(ulong microseconds) =>
        TimeSpan.FromMicroseconds(Math.Min(microseconds, TimeSpan.FromDays(1).TotalMicroseconds));

    private ModelQueuePolicy? PolicyOf(ulong priority) =>
        _batching!.PriorityQueuePolicy.TryGetValue(LevelOf(priority), out ModelQueuePolicy? own) ? own : _batching.DefaultQueuePolicy;

    private ulong LevelOf(ulong priority) =>
        priority >= 1 && priority <= _batching!.PriorityLevels ? priority : _batching!.DefaultPriorityLevel;
}

namespace Troupe.Runtime.Counts;

/// <summary>What an instance has done so far, summed over its lanes; read by metrics, and by acceptance tests as differences.</summary>
/// <remarks><b>Thread</b> any: each number is exact, the set of them is not taken at one instant. <b>Blocks</b> never.</remarks>
internal sealed class InstanceCounters
{
    private long _forwards;
    private long _captures;
    private long _failedCaptures;
    private long _replays;
    private long _warmUps;
    private long _graphHits;
    private long _graphMisses;
    private long _graphEvictions;
    private long _allocatorCalls;
    private long _movedInputs;
    private long _contexts;
    private long _deviceSwitches;
    private long _setReuses;

    public void CountForward() => Interlocked.Increment(ref _forwards);

    public void CountCapture() => Interlocked.Increment(ref _captures);

    public void CountFailedCapture() => Interlocked.Increment(ref _failedCaptures);

    public void CountReplay() => Interlocked.Increment(ref _replays);

    public void CountWarmUp() => Interlocked.Increment(ref _warmUps);

    public void CountGraphHit() => Interlocked.Increment(ref _graphHits);

    public void CountGraphMiss() => Interlocked.Increment(ref _graphMisses);

    public void CountGraphEviction() => Interlocked.Increment(ref _graphEvictions);

    public void CountAllocatorCall() => Interlocked.Increment(ref _allocatorCalls);

    public void CountMovedInput() => Interlocked.Increment(ref _movedInputs);

    public void CountContext() => Interlocked.Increment(ref _contexts);

    public void CountDeviceSwitch() => Interlocked.Increment(ref _deviceSwitches);

    public void CountSetReuse() => Interlocked.Increment(ref _setReuses);

    public InstanceCounts Snapshot() =>
        new(
            Interlocked.Read(ref _forwards),
            Interlocked.Read(ref _captures),
            Interlocked.Read(ref _failedCaptures),
            Interlocked.Read(ref _replays),
            Interlocked.Read(ref _warmUps),
            Interlocked.Read(ref _graphHits),
            Interlocked.Read(ref _graphMisses),
            Interlocked.Read(ref _graphEvictions),
            Interlocked.Read(ref _allocatorCalls),
            Interlocked.Read(ref _movedInputs),
            Interlocked.Read(ref _contexts),
            Interlocked.Read(ref _deviceSwitches),
            Interlocked.Read(ref _setReuses)
        );
}

using Troupe.Runtime.Counts;

namespace Troupe.Runtime.Tests.Counts;

public sealed class InstanceCountersTests
{
    [Fact]
    public void Each_event_is_counted_in_its_own_number()
    {
        InstanceCounters counters = new();
        Action[] events =
        [
            counters.CountForward,
            counters.CountCapture,
            counters.CountFailedCapture,
            counters.CountReplay,
            counters.CountWarmUp,
            counters.CountGraphHit,
            counters.CountGraphMiss,
            counters.CountGraphEviction,
            counters.CountAllocatorCall,
            counters.CountMovedInput,
            counters.CountContext,
            counters.CountDeviceSwitch,
            counters.CountSetReuse,
        ];
        for (int one = 0; one < events.Length; one++)
        {
            for (int time = 0; time <= one; time++)
            {
                events[one]();
            }
        }

        Assert.Equal(new InstanceCounts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13), counters.Snapshot());
    }

    [Fact]
    public void Threads_lose_no_count()
    {
        InstanceCounters counters = new();
        Parallel.For(0, 10_000, _ => counters.CountForward());
        Assert.Equal(10_000, counters.Snapshot().Forwards);
    }
}

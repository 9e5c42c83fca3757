using Troupe.Actors.Routing;

namespace Troupe.Actors.Tests.Routing;

public sealed class DeadlineWheelTests
{
    [Fact]
    public void Nothing_expires_before_its_deadline_and_everything_within_a_tick_after()
    {
        const int seed = 20260417;
        var random = new Random(seed);
        var wheel = new DeadlineWheel();
        var waiting = new HashSet<Entry>();
        var expired = new List<DeadlineEntry>();
        TimeSpan now = TimeSpan.Zero;
        for (int step = 0; step < 20_000; step++)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    // Up to several turns of the wheel ahead, and some already past.
                    var entry = new Entry { Deadline = now + TimeSpan.FromMilliseconds(random.Next(-50, 20_000)), AddedAt = now };
                    wheel.Add(entry);
                    waiting.Add(entry);
                    break;
                case 2 when waiting.Count > 0:
                    Entry removed = waiting.First();
                    wheel.Remove(removed);
                    wheel.Remove(removed);
                    waiting.Remove(removed);
                    break;
                default:
                    now += TimeSpan.FromMilliseconds(random.NextDouble() * (random.Next(50) == 0 ? 12_000 : 40));
                    expired.Clear();
                    wheel.Advance(now, expired);
                    foreach (Entry gone in expired.Cast<Entry>())
                    {
                        Assert.True(gone.Deadline <= now, $"seed {seed}: expired {gone.Deadline} at {now}");
                        Assert.True(waiting.Remove(gone), $"seed {seed}: expired twice");
                    }

                    Assert.DoesNotContain(
                        waiting,
                        entry => (entry.Deadline > entry.AddedAt ? entry.Deadline : entry.AddedAt) + (2 * DeadlineWheel.Tick) < now
                    );
                    break;
            }

            Assert.Equal(waiting.Count, wheel.Count);
        }
    }

    private sealed class Entry : DeadlineEntry
    {
        public TimeSpan AddedAt { get; init; }
    }
}

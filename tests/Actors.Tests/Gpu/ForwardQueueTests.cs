using CsCheck;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Who goes next: the highest level, one in eight from below, batch when nothing online can.</summary>
public sealed class ForwardQueueTests
{
    private static readonly ModelVersion Model = new("m", 1, default);
    private static readonly Predicate<GpuForward> Any = static _ => true;

    private readonly ForwardQueue _queue = new();
    private ulong _counter;

    [Theory]
    [InlineData("4 4 4", "0 1 2")]
    [InlineData("8 1 4 0 1", "1 4 2 3 0")]
    [InlineData("b 8 b 1", "3 1 0 2")]
    [InlineData("9 -1 4 3", "3 0 1 2")]
    [InlineData("1 1 1 1 1 1 1 1 1 8 5", "0 1 2 3 4 5 6 9 7 8 10")]
    [InlineData("2 8 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "2 3 4 5 6 7 8 0 9 10 11 12 13 14 15 1")]
    [InlineData("b 1 1 1 1 1 1 1 1 1", "1 2 3 4 5 6 7 8 9 0")]
    public void The_order_of_a_queue(string priorities, string order)
    {
        foreach (string priority in priorities.Split(' '))
        {
            Add(priority == "b" ? 0 : int.Parse(priority, System.Globalization.CultureInfo.InvariantCulture), priority == "b");
        }

        Assert.Equal(order, string.Join(' ', TakeAll(Any).Select(forward => forward.Admitted.Forward.Id.Counter)));
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void What_stands_behind_a_barrier_lets_others_pass_batch_too()
    {
        GpuForward held = Add(1, batch: false),
            lower = Add(8, batch: false),
            batch = Add(0, batch: true);

        Assert.Same(lower, _queue.Take(forward => forward != held));
        Assert.Same(batch, _queue.Take(forward => forward != held));
        Assert.Null(_queue.Take(forward => forward != held));
        Assert.Equal(1, _queue.Count);
        Assert.Same(held, _queue.Take(Any));
    }

    [Fact]
    public void A_cancelled_forward_is_taken_from_the_middle_of_its_level()
    {
        GpuForward first = Add(2, batch: false),
            gone = Add(2, batch: false),
            last = Add(2, batch: false);
        _queue.Remove(gone);

        Assert.Equal([first, last], TakeAll(Any));
    }

    /// <summary>Forwards of every level come and go at random: within a level the order is kept, of eight that go past waiting lower ones
    /// one is of those, nothing online waits for more than eight times what stood before it, batch goes only when nothing else
    /// can.</summary>
    [Fact]
    public void No_level_starves_and_each_keeps_its_order() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2])
            .Array[1, 400]
            .Sample(
                steps =>
                {
                    ForwardQueueTests queue = new();
                    List<GpuForward> waiting = [];
                    int passed = 0;
                    foreach ((int priority, int action) in steps)
                    {
                        if (action > 0 || waiting.Count == 0)
                        {
                            waiting.Add(queue.Add(priority == 9 ? 0 : priority, batch: priority == 9));
                            continue;
                        }

                        GpuForward next = queue._queue.Take(Any)!;
                        passed = Check(waiting, next, passed);
                        waiting.Remove(next);
                    }

                    while (waiting.Count > 0)
                    {
                        GpuForward next = queue._queue.Take(Any)!;
                        passed = Check(waiting, next, passed);
                        waiting.Remove(next);
                    }

                    Assert.Null(queue._queue.Take(Any));
                },
                iter: 500
            );

    [Fact]
    public void Waiting_costs_no_memory()
    {
        GpuForward[] forwards = [.. Enumerable.Range(0, 64).Select(i => Made(i % 9, batch: i % 7 == 0))];
        long Round()
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            foreach (GpuForward forward in forwards)
            {
                _queue.Add(forward);
            }

            while (_queue.Take(Any) is not null) { }

            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Round();
        Assert.Equal(0, Round());
    }

    /// <summary>How many have gone past lower ones since one of those went.</summary>
    private static int Check(List<GpuForward> waiting, GpuForward next, int passed)
    {
        Assert.Same(next, waiting.First(forward => Level(forward) == Level(next)));
        int highest = waiting.Min(Level);
        bool lowerWaits = waiting.Any(forward => Level(forward) > highest && Level(forward) < Batch);
        if (Level(next) == highest)
        {
            Assert.InRange(passed, 0, ForwardQueue.OneInBelow - 1);
            return lowerWaits && highest < Batch ? passed + 1 : passed;
        }

        Assert.Equal(ForwardQueue.OneInBelow - 1, passed);
        Assert.Same(next, waiting.First(forward => Level(forward) > highest && Level(forward) < Batch));
        return 0;
    }

    private const int Batch = ForwardPriority.Levels + 1;

    private static int Level(GpuForward forward) =>
        forward.Admitted.Class == ForwardClass.Batch ? Batch : ForwardPriority.Level(forward.Admitted.Priority);

    private List<GpuForward> TakeAll(Predicate<GpuForward> mayGo)
    {
        List<GpuForward> taken = [];
        while (_queue.Take(mayGo) is { } forward)
        {
            taken.Add(forward);
        }

        return taken;
    }

    private GpuForward Add(int priority, bool batch)
    {
        GpuForward forward = Made(priority, batch);
        _queue.Add(forward);
        return forward;
    }

    private GpuForward Made(int priority, bool batch)
    {
        Forward forward = new()
        {
            Id = new RequestId(default, _counter++),
            Model = new ModelReference("m"),
            Inputs = [],
            Priority = priority,
            Class = batch ? ForwardClass.Batch : ForwardClass.Online,
        };
        GpuForward made = new();
        made.Begin(new AdmittedForward(new DispatchForward(forward, Model, 1, default, null), ModeSettings.Default, 0), default);
        return made;
    }
}

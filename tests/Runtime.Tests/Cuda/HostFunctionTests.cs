using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Tests.Cuda;

/// <summary>What a native driver calls back by number, also when it comes late.</summary>
public sealed class HostFunctionTests
{
    [Fact]
    public void A_call_by_its_number_runs_the_function_and_keeps_what_escapes()
    {
        using var counter = new Counter();
        HostFunction.Call(counter.NativeNumber());
        HostFunction.Call(counter.NativeNumber());
        Assert.Equal((2, null), (counter.Calls, counter.Escaped));
        counter.Fails = true;
        HostFunction.Call(counter.NativeNumber());
        Assert.IsType<InvalidOperationException>(counter.Escaped);
    }

    [Fact]
    public void A_call_that_comes_after_the_function_was_disposed_runs_nothing_not_even_one_made_since()
    {
        var late = new Counter();
        nint number = late.NativeNumber();
        late.Dispose();
        Counter[] others = [.. Enumerable.Range(0, 10_000).Select(_ => new Counter())];
        Assert.DoesNotContain(number, others.Select(other => other.NativeNumber()));

        HostFunction.Call(number);

        Assert.Equal((0, 0), (late.Calls, others.Sum(other => other.Calls)));
        Assert.Throws<ObjectDisposedException>(() => new[] { late.NativeNumber() });
        Array.ForEach(others, other => other.Dispose());
    }

    [Fact]
    public void Calls_and_disposal_at_once_on_many_threads_neither_fail_nor_run_a_stranger()
    {
        Parallel.For(
            0,
            2000,
            _ =>
            {
                var mine = new Counter();
                nint number = mine.NativeNumber();
                Parallel.Invoke(() => HostFunction.Call(number), mine.Dispose);
                Assert.InRange(mine.Calls, 0, 1);
            }
        );
    }

    private sealed class Counter : HostFunction
    {
        private int _calls;

        public int Calls => Volatile.Read(ref _calls);

        public bool Fails { get; set; }

        public override void Invoke()
        {
            Interlocked.Increment(ref _calls);
            if (Fails)
            {
                throw new InvalidOperationException("on purpose");
            }
        }
    }
}

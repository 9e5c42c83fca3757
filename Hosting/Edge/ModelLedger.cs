using Troupe.Hosting.Failures;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Edge;

/// <summary>What this node's edge counted of one model version since it was loaded: the source of V2 statistics and of the
/// metrics.</summary>
/// <remarks><b>Thread</b> any. Counters of one forward are added under one lock, so that a reader never sees half of it.</remarks>
internal sealed class ModelLedger(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<long, BatchCount> _batches = [];
    private readonly long[] _failures = new long[Enum.GetValues<FailureReason>().Length];
    private ModelCounts _counts;
    private readonly Dictionary<ulong, long> _pending = [];

    /// <summary>What waiting goes by.</summary>
    public TimeProvider Clock => clock;

    /// <summary>Requests of it that wait for others.</summary>
    public BatchGathering Gathering { get; } = new(clock);

    /// <summary>Forwards handed to the router and not answered yet.</summary>
    public long Pending
    {
        get
        {
            lock (_lock)
            {
                return _pending.Values.Sum();
            }
        }
    }

    /// <summary>Counts one more of a level as pending, in one step with the look at how many there are.</summary>
    /// <param name="most">That may be pending of this level.</param>
    /// <returns>False where they are already: nothing was counted.</returns>
    public bool TryStart(ulong level, long most)
    {
        lock (_lock)
        {
            long pending = _pending.GetValueOrDefault(level);
            if (pending >= most)
            {
                return false;
            }

            _pending[level] = pending + 1;
            return true;
        }
    }

    /// <summary>One that was started has its answer.</summary>
    public void End(ulong level)
    {
        lock (_lock)
        {
            _pending[level]--;
        }
    }

    /// <param name="batch">Inferences in this forward: the first dimension where the model is batched, otherwise 1.</param>
    public void Succeed(TimeSpan total, long batch, in ForwardReport report)
    {
        long now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        StageTimes times = report.Times;
        lock (_lock)
        {
            _counts = _counts with
            {
                LastInferenceMilliseconds = now,
                Inferences = _counts.Inferences + batch,
                Executions = _counts.Executions + 1,
                Redispatches = _counts.Redispatches + report.Attempts - 1,
                Success = _counts.Success.Add(ToNanoseconds(total)),
                Queue = _counts.Queue.Add(times.QueueNanoseconds),
                ComputeInput = _counts.ComputeInput.Add(times.ComputeInputNanoseconds),
                ComputeInfer = _counts.ComputeInfer.Add(times.ComputeInferNanoseconds),
                ComputeOutput = _counts.ComputeOutput.Add(times.ComputeOutputNanoseconds),
            };
            BatchCount known = _batches.GetValueOrDefault(batch);
            _batches[batch] = new BatchCount(
                known.ComputeInput.Add(times.ComputeInputNanoseconds),
                known.ComputeInfer.Add(times.ComputeInferNanoseconds),
                known.ComputeOutput.Add(times.ComputeOutputNanoseconds)
            );
        }
    }

    /// <param name="reason">What it counts as; null: it was refused before anything ran and counts nowhere.</param>
    public void Fail(TimeSpan total, FailureReason? reason)
    {
        if (reason is not { } counted)
        {
            return;
        }

        lock (_lock)
        {
            _counts = _counts with { Fail = _counts.Fail.Add(ToNanoseconds(total)) };
            _failures[(int)counted]++;
        }
    }

    public ModelCounts Read()
    {
        lock (_lock)
        {
            return _counts;
        }
    }

    public long Failures(FailureReason reason)
    {
        lock (_lock)
        {
            return _failures[(int)reason];
        }
    }

    public KeyValuePair<long, BatchCount>[] Batches()
    {
        lock (_lock)
        {
            return [.. _batches];
        }
    }

    private static long ToNanoseconds(TimeSpan time) => time.Ticks * TimeSpan.NanosecondsPerTick;
}

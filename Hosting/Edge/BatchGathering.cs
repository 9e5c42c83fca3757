namespace Troupe.Hosting.Edge;

/// <summary>Requests of one model version that wait for others to fill a batch with, because they would be refused without.</summary>
/// <remarks>A configuration may have requests held back for a time until they fill a batch, and refused once their own time in the queue is
/// over. Since each is launched by itself here, holding one back that would be launched in the end gains nothing: only those wait whose own
/// time is the shorter. <b>Owns</b> those. <b>Thread</b> any.</remarks>
internal sealed class BatchGathering(TimeProvider clock)
{
    private readonly Lock _lock = new();
    private readonly List<Waiting> _waiting = [];

    /// <summary>Adds a request, which goes on when the batch is full.</summary>
    /// <param name="entries">Of the request.</param>
    /// <param name="full">Entries that fill the batch.</param>
    /// <param name="most">How long it may wait; null: it goes on in any case, and so at once.</param>
    /// <returns>False where the time was over first, or nobody waits for the answer any more.</returns>
    public Task<bool> JoinAsync(long entries, long full, TimeSpan? most, CancellationToken aborted)
    {
        Waiting waiting = new(entries);
        lock (_lock)
        {
            if (_waiting.Sum(static one => one.Entries) + entries >= full)
            {
                _waiting.ForEach(static one => one.Full.SetResult());
                _waiting.Clear();
                return Task.FromResult(true);
            }

            if (most is null)
            {
                return Task.FromResult(true);
            }

            _waiting.Add(waiting);
        }

        return WaitAsync(waiting, most.Value, aborted);
    }

    private async Task<bool> WaitAsync(Waiting waiting, TimeSpan most, CancellationToken aborted)
    {
        try
        {
            await waiting.Full.Task.WaitAsync(most, clock, aborted);
            return true;
        }
        catch (Exception over) when (over is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
            {
                // One that is gone from the list was released at this very moment.
                return !_waiting.Remove(waiting);
            }
        }
    }

    private sealed class Waiting(long entries)
    {
        public long Entries => entries;

        public TaskCompletionSource Full { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

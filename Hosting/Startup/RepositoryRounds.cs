namespace Troupe.Hosting.Startup;

/// <summary>Looks at the repositories from time to time.</summary>
/// <remarks><b>Thread</b> one round after another.</remarks>
internal static class RepositoryRounds
{
    /// <summary>Ends when it is cancelled, and by nothing that a round throws: that is noted, and the next comes at its time.</summary>
    public static async Task RunAsync(
        TimeSpan interval,
        TimeProvider time,
        Func<CancellationToken, Task> round,
        Action<string> note,
        CancellationToken cancellation
    )
    {
        using PeriodicTimer timer = new(interval, time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            try
            {
                await round(cancellation);
            }
            catch (Exception trouble) when (!cancellation.IsCancellationRequested)
            {
                note($"the model repository was not followed this time, and is looked at again: {trouble.Message}");
            }
        }
    }
}

namespace Troupe.Actors.Gpu;

/// <summary>Turns any number of wakes from any thread into at most one message in the executor's mailbox, and into none while the executor
/// looks anyway.</summary>
/// <remarks><b>Thread</b> <see cref="Wake"/> any; the others the executor's.</remarks>
internal sealed class WakeGate(Action signal)
{
    private int _closed;

    public void Wake()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0)
        {
            signal();
        }
    }

    /// <summary>No signal from here on: the executor will look.</summary>
    public void Close() => Volatile.Write(ref _closed, 1);

    /// <summary>Signals count again. After this the executor looks at everything in flight, so that no wake swallowed before is
    /// lost.</summary>
    public void Open() => Interlocked.Exchange(ref _closed, 0);
}

using Akka.Actor;

namespace Troupe.Actors.Models;

/// <summary>One step of a load on a thread of its own: either it is done in time, or it is abandoned and ends unheard, whenever it
/// does.</summary>
/// <remarks><b>Owns</b> its thread. <b>Thread</b> any.</remarks>
internal sealed class BuilderWork(IActorRef asker, string what, CancellationToken stopping)
{
    private readonly CancellationTokenSource _cancellation = new();
    private Thread? _thread;
    private int _isSettled;

    public IActorRef Asker => asker;

    /// <summary>What it does, for people: <c>reading the files of 'm'</c>.</summary>
    public string What => what;

    /// <summary>Fires when nobody waits for it any more.</summary>
    public CancellationToken Cancellation => _cancellation.Token;

    /// <summary>What it came to; null while it is under way.</summary>
    public object? Answer { get; private set; }

    public void Start(Action run)
    {
        // A thread that hangs must not keep the process alive, nor a pool short of threads.
        _thread = new Thread(() => Run(run)) { IsBackground = true, Name = "troupe builder" };
        _thread.Start();
    }

    /// <summary>True for the first who asks: the thread that is done, or who gives up waiting for it.</summary>
    public bool TrySettle() => Interlocked.Exchange(ref _isSettled, 1) == 0;

    /// <summary>It is done; false when nobody waits for it any more.</summary>
    public bool TrySettle(object answer)
    {
        // Before it is settled: who finds it settled finds the answer.
        Answer = answer;
        return TrySettle();
    }

    /// <summary>Disposes of what it has built and nobody took.</summary>
    public void Discard() => (Answer as InstanceBuilt)?.HandOver.Claim()?.Dispose();

    /// <summary>Asks it to end.</summary>
    public void Cancel() => _cancellation.Cancel();

    /// <summary>Waits for its thread; false when it did not end in time.</summary>
    public bool Join(TimeSpan bound) => _thread?.Join(bound) ?? true;

    private void Run(Action run)
    {
        // The node's end is heard for as long as it runs, and holds nothing of it afterwards.
        using CancellationTokenRegistration registration = stopping.UnsafeRegister(static work => ((BuilderWork)work!).Cancel(), this);
        run();
    }
}

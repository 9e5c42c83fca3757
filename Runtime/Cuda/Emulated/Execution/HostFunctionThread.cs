using System.Collections.Concurrent;

namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>The one thread on which queued host functions run, one after the other, as a driver's callback thread does.</summary>
/// <remarks><b>Owns</b> the thread, which starts with the first function. <b>Thread</b> any. <b>Blocks</b> never, except the thread
/// itself.</remarks>
internal sealed class HostFunctionThread : IDisposable
{
    private readonly BlockingCollection<Action> _work = [];
    private Thread? _thread;

    public void Post(Action work)
    {
        if (Volatile.Read(ref _thread) is null)
        {
            Start();
        }

        _work.Add(work);
    }

    public void Dispose()
    {
        _work.CompleteAdding();
        _thread?.Join(TimeSpan.FromSeconds(5));
        _work.Dispose();
    }

    private void Start()
    {
        var thread = new Thread(Run) { IsBackground = true, Name = "troupe host functions" };
        if (Interlocked.CompareExchange(ref _thread, thread, null) is null)
        {
            thread.Start();
        }
    }

    private void Run()
    {
        foreach (Action work in _work.GetConsumingEnumerable())
        {
            work();
        }
    }
}

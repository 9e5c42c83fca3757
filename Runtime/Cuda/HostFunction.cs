using System.Collections.Concurrent;

namespace Troupe.Runtime.Cuda;

/// <summary>Host code that a stream calls when everything before it is done (CUDA: <c>cuLaunchHostFunc</c>).</summary>
/// <remarks>
/// Made once and enqueued many times, so that enqueueing allocates nothing. It runs on a thread of the driver (inline policy: on the
/// enqueuing thread) and may call nothing of the driver: there every driver call answers <see cref="CuResult.NotPermitted"/>.
/// <para><b>Owns</b> its number for native callbacks, until disposed by whoever made it; a call that is still to come then finds nothing,
/// because no number is given twice. <b>Thread</b> the driver's. <b>Blocks</b> must not.</para>
/// </remarks>
internal abstract class HostFunction : IDisposable
{
    private static readonly ConcurrentDictionary<nint, HostFunction> Called = new();
    private static long _numbers;

    private readonly Lock _lock = new();
    private nint _number;
    private bool _isDisposed;

    /// <summary>Host memory it touches that streams touch too; emulated devices check it for conflicts when the function is
    /// enqueued.</summary>
    public virtual ReadOnlySpan<HostRange> Ranges => default;

    /// <summary>The work. An exception escaping from it is a defect: on emulated devices it makes the context fail as
    /// <see cref="CuResult.LaunchFailed"/>.</summary>
    public abstract void Invoke();

    /// <summary>What escaped from <see cref="Invoke"/> on a real device, where nothing may unwind into the driver; null
    /// otherwise.</summary>
    public Exception? Escaped { get; private set; }

    /// <summary>The number under which a native driver calls back; given at the first enqueue and kept until disposed.</summary>
    internal nint NativeNumber()
    {
        nint known = Volatile.Read(ref _number);
        if (known != 0)
        {
            return known;
        }

        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_number == 0)
            {
                nint given = (nint)Interlocked.Increment(ref _numbers);
                Called[given] = this;
                Volatile.Write(ref _number, given);
            }

            return _number;
        }
    }

    /// <summary>A native driver calls back: runs the function of that number, if it has not been disposed.</summary>
    internal static void Call(nint number)
    {
        if (!Called.TryGetValue(number, out HostFunction? function))
        {
            return;
        }

#pragma warning disable CA1031 // Nothing may unwind into the driver.
        try
        {
            function.Invoke();
        }
        catch (Exception escaped)
        {
            function.Escaped = escaped;
        }
#pragma warning restore CA1031
    }

    /// <summary>Lets the number go: a native driver that calls it later calls nothing.</summary>
    public virtual void Dispose()
    {
        lock (_lock)
        {
            _isDisposed = true;
            Called.TryRemove(_number, out _);
            Volatile.Write(ref _number, 0);
        }
    }
}

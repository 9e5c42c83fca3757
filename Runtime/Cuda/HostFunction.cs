using System.Runtime.InteropServices;

namespace Troupe.Runtime.Cuda;

/// <summary>Host code that a stream calls when everything before it is done (CUDA: <c>cuLaunchHostFunc</c>).</summary>
/// <remarks>
/// Made once and enqueued many times, so that enqueueing allocates nothing. It runs on a thread of the driver (inline policy: on the
/// enqueuing thread) and may call nothing of the driver: there every driver call answers <see cref="CuResult.NotPermitted"/>.
/// <para><b>Owns</b> its handle for native callbacks, until disposed by whoever made it, after its last call. <b>Thread</b> the driver's.
/// <b>Blocks</b> must not.</para>
/// </remarks>
internal abstract class HostFunction : IDisposable
{
    /// <summary>Host memory it touches that streams touch too; emulated devices check it for conflicts when the function is
    /// enqueued.</summary>
    public virtual ReadOnlySpan<HostRange> Ranges => default;

    private nint _nativeHandle;

    /// <summary>The work. An exception escaping from it is a defect: on emulated devices it makes the context fail as
    /// <see cref="CuResult.LaunchFailed"/>.</summary>
    public abstract void Invoke();

    /// <summary>What escaped from <see cref="Invoke"/> on a real device, where nothing may unwind into the driver; null
    /// otherwise.</summary>
    public Exception? Escaped { get; internal set; }

    /// <summary>The handle under which a native driver calls back; made at the first enqueue and kept until disposed.</summary>
    internal nint NativeHandle()
    {
        nint known = Volatile.Read(ref _nativeHandle);
        if (known != 0)
        {
            return known;
        }

        GCHandle made = GCHandle.Alloc(this);
        nint first = Interlocked.CompareExchange(ref _nativeHandle, GCHandle.ToIntPtr(made), 0);
        if (first == 0)
        {
            return GCHandle.ToIntPtr(made);
        }

        made.Free();
        return first;
    }

    /// <summary>Lets the handle go. Nothing enqueued or recorded may call this function any more.</summary>
    public virtual void Dispose()
    {
        nint handle = Interlocked.Exchange(ref _nativeHandle, 0);
        if (handle != 0)
        {
            GCHandle.FromIntPtr(handle).Free();
        }
    }
}

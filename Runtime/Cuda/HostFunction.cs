namespace Troupe.Runtime.Cuda;

/// <summary>Host code that a stream calls when everything before it is done (CUDA: <c>cuLaunchHostFunc</c>).</summary>
/// <remarks>
/// Made once and enqueued many times, so that enqueueing allocates nothing. It runs on a thread of the driver (inline policy: on the
/// enqueuing thread) and may call nothing of the driver: there every driver call answers <see cref="CuResult.NotPermitted"/>.
/// <para><b>Owns</b> nothing of the driver. <b>Thread</b> the driver's. <b>Blocks</b> must not.</para>
/// </remarks>
internal abstract class HostFunction
{
    /// <summary>Host memory it touches that streams touch too; emulated devices check it for conflicts when the function is enqueued.</summary>
    public virtual ReadOnlySpan<HostRange> Ranges => default;

    /// <summary>The work. An exception escaping from it is a defect: on emulated devices it makes the context fail as <see cref="CuResult.LaunchFailed"/>.</summary>
    public abstract void Invoke();

    /// <summary>What escaped from <see cref="Invoke"/> on a real device, where nothing may unwind into the driver; null otherwise.</summary>
    public Exception? Escaped { get; internal set; }

    /// <summary>The native driver's handle of this object; 0 until its first enqueue there.</summary>
    internal nint NativeHandle { get; set; }
}

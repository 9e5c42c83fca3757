namespace Troupe.Runtime.Cuda;

/// <summary>Whether work reads or writes a range of device memory.</summary>
internal enum AccessKind
{
    Read,
    Write,
    ReadWrite,
}

/// <summary>One range of device memory that a piece of work touches.</summary>
internal readonly record struct DeviceAccess(DevicePointer Start, ulong ByteCount, AccessKind Kind);

/// <summary>
/// A kernel written in managed code, for emulated devices: engine runs and manifest kernels enter a stream as one of these.
/// The emulator treats it exactly like a kernel: it is captured into graphs, replayed, counted as a launch, ordered, and its ranges are
/// checked for conflicts, use after free and wrong-device access.
/// </summary>
/// <remarks>
/// Made once and enqueued many times. Recorded graphs keep the object and run it at each replay, so it must stay valid and unchanged
/// while a graph that holds it lives. <b>Thread</b> the driver's. <b>Blocks</b> for as long as the computation takes.
/// </remarks>
internal abstract class ManagedKernel
{
    /// <summary>Name for counters, dot prints and errors.</summary>
    public abstract string Name { get; }

    /// <summary>The ranges this launch touches; read when it is enqueued or recorded.</summary>
    public abstract ReadOnlySpan<DeviceAccess> Accesses { get; }

    /// <summary>How long the kernel takes on the virtual clock of the timed policy; zero elsewhere.</summary>
    public virtual TimeSpan Duration => TimeSpan.Zero;

    /// <summary>
    /// The computation. Returns <see cref="CuResult.Success"/>, or the status the device context fails with (sticky), as a real kernel
    /// fault would. Failures of the computation itself that leave the device healthy belong into the submission's failure slot, not here.
    /// </summary>
    public abstract CuResult Run(IEmulatedMemory memory);
}

/// <summary>How a <see cref="ManagedKernel"/> reaches the bytes behind device pointers; valid only during
/// <see cref="ManagedKernel.Run"/>.</summary>
internal interface IEmulatedMemory
{
    /// <summary>Host address of a range of this device's memory. The range must be one of the kernel's declared accesses; anything else is
    /// an <see cref="CuResult.IllegalAddress"/>.</summary>
    unsafe byte* Resolve(DevicePointer pointer, ulong byteCount);
}

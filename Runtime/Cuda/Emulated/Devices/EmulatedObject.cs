namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>Anything the emulator gives a handle to; the handle lives in the object, so that one read of the table decides whether it is
/// valid.</summary>
internal abstract class EmulatedObject
{
    /// <summary>The value handed to the caller: kind, generation and index.</summary>
    public nint Handle { get; private set; }

    /// <summary>What a leak report calls it.</summary>
    public abstract string Describe();

    internal void Attach(nint handle) => Handle = handle;

    internal void Detach() => Handle = 0;
}

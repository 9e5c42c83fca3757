using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>Where one stream stands in a capture: the session it takes part in, and the nodes its next work comes behind.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> changed under the gate of the session. <b>Blocks</b> never.</remarks>
internal sealed class CapturePlace(EmulatedCudaContext context)
{
    /// <summary>The context of the stream.</summary>
    public EmulatedCudaContext Context { get; } = context;

    /// <summary>The capture the stream takes part in, or null.</summary>
    public CaptureSession? Session { get; private set; }

    /// <summary>The nodes of that capture the next piece of work stands behind.</summary>
    public int[] Frontier { get; private set; } = [];

    /// <summary>Moves the stream behind some nodes of a session; null takes it out of any.</summary>
    public void MoveTo(CaptureSession? session, int[] frontier)
    {
        Session = session;
        Frontier = frontier;
    }
}

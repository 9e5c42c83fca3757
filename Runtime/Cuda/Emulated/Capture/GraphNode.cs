using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>One node of a recorded graph: a piece of work, the context it runs in, and the nodes it stands behind (always earlier
/// ones).</summary>
internal sealed record GraphNode(StreamCommand Command, EmulatedCudaContext Context, int[] DependsOn);

using Troupe.Messages.Tensors;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>A forward in flight and what has to come of it.</summary>
/// <param name="Lane">Held until it is done; null when it was called with device tensors, whose lane is free at once.</param>
/// <param name="Expected">The right outputs; null when it fails while it runs.</param>
/// <param name="Caller">Whose stream the device outputs are valid behind.</param>
internal sealed record PendingForward(
    LoadedCase Loaded,
    HostLane? Lane,
    Tensor[]? Expected,
    Caller? Caller,
    DeviceTensor[] Inputs,
    DeviceTensor[] Outputs,
    bool OutputsAreKept
)
{
    public int Woken;
}

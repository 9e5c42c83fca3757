using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Edge;

/// <summary>The host memory of what comes in: bodies, and tensors that are read out of them, all together within one budget.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> as the memory does.</remarks>
internal sealed class RequestMemory(HostMemory host, long limit)
{
    /// <summary>Where all of it comes from, and answers too.</summary>
    public HostMemory Host => host;

    public HostBudget Budget { get; } = new(limit, "the bodies of requests in flight (--max-request-memory)");

    /// <summary>Whoever takes over a part of a large body takes turns with all who do: however many come, half of the processors are there
    /// for everything else, and what waits for its turn stays in the network.</summary>
    public SemaphoreSlim Turns { get; } = new(Math.Max(1, Environment.ProcessorCount / 2));

    /// <exception cref="HostMemoryException">There is no room at present.</exception>
    public TensorLease Lease(long bytes) => host.Lease(bytes, Budget);

    /// <inheritdoc cref="HostMemory.Grow"/>
    public TensorLease Grow(TensorLease lease, long bytes) => host.Grow(lease, bytes, Budget);
}

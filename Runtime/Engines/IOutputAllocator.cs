using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines;

/// <summary>Supplies output memory while an engine is being enqueued (TensorRT: <c>IOutputAllocator</c>).</summary>
/// <remarks>Called by the enqueuing thread, before <see cref="IExecutionContext.Enqueue"/> returns.</remarks>
internal interface IOutputAllocator
{
    /// <summary>Memory for the output of exactly <paramref name="bytes"/> bytes (at least 1), usable on <paramref name="stream"/>, aligned
    /// as asked.</summary>
    DevicePointer Reallocate(int output, ulong bytes, ulong alignment, CuStream stream);

    /// <summary>The output's shape is known.</summary>
    void NotifyShape(int output, in TensorShape shape);
}

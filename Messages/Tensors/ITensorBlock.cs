using System.Buffers;

namespace Troupe.Messages.Tensors;

/// <summary>A block of host memory as the leases of its parts see it.</summary>
/// <remarks><b>Thread</b> any. The block goes back to whoever lends it when the last lease that keeps it is over.</remarks>
public interface ITensorBlock
{
    /// <summary>A part of its bytes, valid while a lease keeps the block.</summary>
    Span<byte> Part(int offset, int length);

    /// <summary>The address from there on; it does not move.</summary>
    MemoryHandle Pin(int offset);

    /// <summary>One lease more keeps it.</summary>
    void Keep();

    /// <summary>A lease that kept it is over.</summary>
    void Return();

    /// <summary>The same of a lease that nobody ended. Called by a finalizer: calls no driver, and only notes it.</summary>
    void ReturnForgotten();
}

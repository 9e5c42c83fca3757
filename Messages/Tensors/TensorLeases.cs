namespace Troupe.Messages.Tensors;

/// <summary>What is done with the leases of all tensors of a forward or reply at once; those without one are as they were.</summary>
/// <remarks>Allocates only where it makes tensors.</remarks>
public static class TensorLeases
{
    extension(Tensor[] tensors)
    {
        /// <summary>The next owner's tensors; the leases of these are over.</summary>
        /// <exception cref="TensorLeaseException">A lease was over before; then none is handed on.</exception>
        public Tensor[] HandOn()
        {
            Tensor[]? next = null;
            for (int i = 0; i < tensors.Length; i++)
            {
                if (tensors[i].Lease is not { } lease)
                {
                    continue;
                }

                next ??= [.. tensors];
                try
                {
                    next[i] = tensors[i] with { Payload = new TensorPayload.Leased(lease.HandOn(), tensors[i].Payload.Elements) };
                }
                catch
                {
                    next.AsSpan(0, i).EndAll();
                    throw;
                }
            }

            return next ?? tensors;
        }

        /// <summary>Ends every lease.</summary>
        /// <exception cref="TensorLeaseException">One was over before.</exception>
        public void Release() => tensors.AsSpan().EndAll();

        /// <summary>Ends the leases that nobody has ended or handed on.</summary>
        public void ReleaseHeld()
        {
            foreach (Tensor tensor in tensors)
            {
                ((IDisposable?)tensor.Lease)?.Dispose();
            }
        }

        /// <summary>Keeps the bytes of all for a reader whom their owner does not wait for, until <see cref="Return"/>; false when a lease
        /// is over.</summary>
        public bool TryBorrow()
        {
            for (int i = 0; i < tensors.Length; i++)
            {
                if (tensors[i].Lease is { } lease && !lease.TryBorrow())
                {
                    tensors.AsSpan(0, i).ReturnAll();
                    return false;
                }
            }

            return true;
        }

        /// <summary>Once for each <see cref="TryBorrow"/> that succeeded.</summary>
        public void Return() => tensors.AsSpan().ReturnAll();

        /// <summary>The same bytes, each tensor owning its own, as they travel between nodes; the leases stay as they are.</summary>
        public Tensor[] Copied() =>
            Array.Exists(tensors, static tensor => tensor.Lease is not null)
                ? Array.ConvertAll(tensors, static tensor => tensor.Lease is null ? tensor : tensor with { Data = tensor.Data.ToArray() })
                : tensors;
    }

    private static void EndAll(this Span<Tensor> tensors)
    {
        foreach (Tensor tensor in tensors)
        {
            tensor.Lease?.Release();
        }
    }

    private static void ReturnAll(this Span<Tensor> tensors)
    {
        foreach (Tensor tensor in tensors)
        {
            tensor.Lease?.Return();
        }
    }
}

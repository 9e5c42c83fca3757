using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Troupe.Runtime.Cuda;

/// <summary>The checked storey over the port: a status becomes an exception at the call that got it.</summary>
internal static class CuResultExtensions
{
    extension(CuResult status)
    {
        public bool IsSuccess => status == CuResult.Success;

        /// <exception cref="CudaException">The status is not success.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void ThrowIfFailed([CallerArgumentExpression(nameof(status))] string call = "")
        {
            if (status != CuResult.Success)
            {
                Throw(status, call);
            }
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(CuResult status, string call)
    {
        int end = call.IndexOf('(', StringComparison.Ordinal);
        string name = end < 0 ? call : call[..end];
        throw new CudaException(status, name[(name.LastIndexOf('.') + 1)..]);
    }
}

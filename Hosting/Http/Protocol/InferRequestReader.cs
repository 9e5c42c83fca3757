using System.Diagnostics.CodeAnalysis;

namespace Troupe.Hosting.Http.Protocol;

/// <summary>Reads the body of an infer request: JSON, JSON with binary tensors behind it, or the bare bytes of a model's only input.</summary>
internal static class InferRequestReader
{
    /// <param name="body">The whole body, decompressed. Binary tensors of the request are views of it.</param>
    /// <param name="headerLength">Value of <c>Inference-Header-Content-Length</c>, null where the header is absent. Read as C's <c>atoi</c> does, like Triton.</param>
    /// <returns>False when it is refused; <paramref name="fault"/> says why.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault)
    {
        throw new NotImplementedException();
    }
}

using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.Protocol;

/// <summary>Content type, and the value of <c>Inference-Header-Content-Length</c> where that header must be sent.</summary>
internal readonly record struct InferResponseHead(string ContentType, int? HeaderLength);

/// <summary>Writes the answer to an infer request: outputs sorted by name, in JSON or behind it in binary, as each was wanted.</summary>
internal static class InferResponseWriter
{
    /// <param name="outputs">The outputs of the reply, in any order; those that were not asked for are left out.</param>
    /// <param name="body">Gets the whole answer; cleared first.</param>
    /// <returns>False when an output has no form that was asked for; <paramref name="fault"/> says which.</returns>
    public static bool TryWrite(
        InferRequest request,
        ReadOnlySpan<Tensor> outputs,
        ResponseBody body,
        out InferResponseHead head,
        [NotNullWhen(false)] out InferFault? fault)
    {
        throw new NotImplementedException();
    }
}

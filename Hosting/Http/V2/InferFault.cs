using Troupe.Hosting.Failures;
using Troupe.Messages.Failures;

namespace Troupe.Hosting.Http.V2;

/// <summary>Why a request was refused or its answer cannot be written: the label Triton gives such an answer, and the text for
/// <c>{"error": …}</c>.</summary>
/// <remarks>Each is a fault of the caller.</remarks>
internal sealed record InferFault(string ContentType, string Error)
{
    /// <summary>That of an invalid request, also where Triton answers 500.</summary>
    public static int Status => FailureMap.Of(FailureKind.InvalidRequest).Http;
}

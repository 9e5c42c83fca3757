namespace Troupe.Hosting.Http.V2;

/// <summary>Why a request was refused or its answer cannot be written: the status, the label Triton gives such an answer, and the text for
/// <c>{"error": …}</c>.</summary>
/// <remarks>A fault of the caller is 400, also where Triton answers 500.</remarks>
internal sealed record InferFault(int Status, string ContentType, string Error)
{
    /// <summary>Refused while it was read.</summary>
    public static InferFault WhileReading(string error) => new(StatusCodes.Status400BadRequest, "application/json", error);

    /// <summary>Found outside of the JSON: header length, or an output that has no JSON form.</summary>
    public static InferFault AsText(string error) => new(StatusCodes.Status400BadRequest, "text/plain", error);
}

namespace Troupe.Hosting.Http.V2;

/// <summary>Ends the reading or writing of a V2 message from any depth; the codec's entry points turn it into their fault.</summary>
/// <param name="status">HTTP status: 400 for every fault of the caller, also where Triton says 500.</param>
/// <param name="plainText">True where Triton labels the answer <c>text/plain</c>: what it refuses before reading or after
/// executing.</param>
internal sealed class ProtocolException(int status, string message, bool plainText = false) : Exception(message)
{
    /// <summary>As the codec's callers get it.</summary>
    public InferFault Fault { get; } = new(status, plainText ? "text/plain" : "application/json", message);

    /// <summary>A fault of the caller found while the request was read.</summary>
    public static ProtocolException Bad(string message) => new(StatusCodes.Status400BadRequest, message);
}

using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.V2;

/// <summary>Ends the reading or writing of a V2 message from any depth; the codec's entry points turn it into their fault.</summary>
/// <param name="plainText">True where Triton labels the answer <c>text/plain</c>: what it refuses before reading or after
/// executing.</param>
internal sealed class ProtocolException(string message, bool plainText = false) : Exception(message)
{
    /// <summary>As the codec's callers get it.</summary>
    public InferFault Fault { get; } = new(plainText ? Answer.Text : Answer.Json, message);

    /// <summary>A fault of the caller found while the request was read.</summary>
    public static ProtocolException Bad(string message) => new(message);
}

namespace Troupe.Hosting.Http.Server;

/// <summary>What one listener takes at most; the server's own limit holds where there is no value.</summary>
/// <param name="Connections">Open at once; more are closed at once.</param>
/// <param name="HeaderTime">For the head of a request to come in.</param>
/// <param name="IdleTime">For a connection without a request.</param>
internal sealed record ListenLimits(long? Connections = null, TimeSpan? HeaderTime = null, TimeSpan? IdleTime = null);

namespace Troupe.Hosting.Edge;

/// <summary>What of a node's settings the edge needs.</summary>
/// <param name="Repository">Folder of the model repository; null: none.</param>
/// <param name="MaxRequestBytes">Largest body.</param>
/// <param name="Version">Version of Troupe, for server metadata.</param>
internal sealed record EdgeSpec(string? Repository, long MaxRequestBytes, string Version);

using Troupe.Actors.Models;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Edge;

/// <summary>What of a node's settings the edge needs.</summary>
/// <param name="Repository">Where models asked for by name are found; null: nowhere.</param>
/// <param name="MaxRequestBytes">Largest body.</param>
/// <param name="Version">Version of Troupe, for server metadata.</param>
internal sealed record EdgeSpec(IModelRepository? Repository, long MaxRequestBytes, string Version)
{
    /// <summary>Whether the parameter <c>timeout</c> of a request is its deadline: clients that know nothing of it send 1 µs and expect an
    /// answer.</summary>
    public bool RequestTimeouts { get; init; }

    /// <summary>Whether models are loaded and unloaded for whoever asks.</summary>
    public ModelControl ModelControl { get; init; }

    /// <summary>Whether the node is not ready while one of its models has failed.</summary>
    public bool StrictReadiness { get; init; } = true;

    /// <summary>Most bytes of the bodies of all requests in flight.</summary>
    public long MaxRequestMemoryBytes { get; init; } = 1L << 30;

    /// <summary>Most bytes of an answer's outputs, in the form they are asked for.</summary>
    public long MaxOutputBytes { get; init; } = 1L << 30;

    /// <summary>Most entries of a batch of a model without a configuration; 0: its first dimension is none.</summary>
    /// <value>What Triton completes a configuration with.</value>
    public int DefaultMaxBatchSize { get; init; } = 4;
}

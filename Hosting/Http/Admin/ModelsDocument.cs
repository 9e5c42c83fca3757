using System.ComponentModel.DataAnnotations;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Answer of <c>GET /v2/troupe/models</c>: one row per model version and node.</summary>
internal sealed record ModelsDocument(ModelDocument[] Models);

/// <summary>One model version on one node.</summary>
/// <param name="Devices">Ids of the devices that admit forwards for it, <c>host:port/ORDINAL</c>.</param>
/// <param name="Hash">SHA-256 of its bytes in hexadecimal.</param>
/// <param name="VersionRule">Which version of the model takes the requests that name none.</param>
/// <param name="UnversionedShare">Of those requests the share that this version takes, from 0 to 1.</param>
internal sealed record ModelDocument(
    string Name,
    int Version,
    [property: AllowedValues("LOADING", "READY", "UNLOADING", "UNAVAILABLE")] string State,
    string Reason,
    string Platform,
    string Node,
    string[] Devices,
    string Hash,
    string VersionRule,
    double UnversionedShare
);

/// <summary>Body of <c>POST /v2/troupe/models/{name}/load</c>; every member may be left out.</summary>
/// <param name="Version">Null: the highest in the repository.</param>
/// <param name="Path">A file or folder on the node's own disk; null: its repository.</param>
/// <param name="Node">The node that loads; null: the one that was asked.</param>
/// <param name="Gpus">Ordinals to load on; null: every device of the node.</param>
/// <param name="Replace">What is live under the name gives way once this is ready; null: other content under a live number is
/// refused.</param>
internal sealed record LoadDocument(
    int? Version = null,
    string? Path = null,
    string? Node = null,
    int[]? Gpus = null,
    bool? Replace = null
);

/// <summary>Answer to a load.</summary>
internal sealed record LoadedDocument(string Name, int Version, string Hash, string[] Devices);

/// <summary>Body of <c>POST /v2/troupe/models/{name}/unload</c>.</summary>
internal sealed record UnloadDocument(int? Version = null, string? Node = null);

/// <summary>Answer to an unload: the version numbers that were there.</summary>
internal sealed record UnloadedDocument(string Name, int[] Versions);

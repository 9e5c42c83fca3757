namespace Troupe.Hosting.Http.Server;

/// <summary>What a path names besides its endpoint.</summary>
/// <param name="Name">A model as written in the path, or a token or session; empty where the pattern has none.</param>
/// <param name="Version">Number of the version in the path; null where none was written. -1: all digits, but no version can have that
/// number.</param>
internal readonly record struct EdgeRoute(string Name = "", int? Version = null);

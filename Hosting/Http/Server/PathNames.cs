namespace Troupe.Hosting.Http.Server;

/// <summary>Where in a path its names stand, while it is matched.</summary>
internal struct PathNames
{
    /// <summary>First character of the name; 0: the pattern has none.</summary>
    public int Start { get; set; }

    /// <summary>Behind its last character.</summary>
    public int End { get; set; }

    public int? Version { get; set; }
}

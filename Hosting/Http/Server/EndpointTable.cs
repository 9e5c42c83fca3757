namespace Troupe.Hosting.Http.Server;

/// <summary>Finds the endpoint of a request target among rows. Paths match whole and letter for letter, and nothing is percent-decoded: that
/// is Triton's contract.</summary>
/// <remarks>Immutable once made. <b>Thread</b> any.</remarks>
internal sealed class EndpointTable
{
    private readonly EndpointPath _root = new();

    public EndpointTable(IEnumerable<EdgeEndpoint> rows)
    {
        foreach (EdgeEndpoint row in rows)
        {
            foreach (string path in Paths(row.Pattern))
            {
                _root.Add(path, row);
            }
        }
    }

    /// <summary>Where a target leads, and what it names; null where no endpoint has that path.</summary>
    /// <param name="target">The request target as it came over the wire, query included.</param>
    public EndpointPath? Find(ReadOnlySpan<char> target, out EdgeRoute route)
    {
        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query >= 0 ? target[..query] : target;
        Range name = default;
        int? version = null;
        EndpointPath? found = path.IsEmpty ? null : _root.Find(path, ref name, ref version);
        route = found is null || name.Equals(default(Range)) ? new EdgeRoute("", version) : new EdgeRoute(path[name].ToString(), version);
        return found;
    }

    /// <summary>The paths of a pattern: with what stands in brackets, and without.</summary>
    public static IEnumerable<string> Paths(string pattern)
    {
        int open = pattern.IndexOf('[', StringComparison.Ordinal),
            close = pattern.IndexOf(']', StringComparison.Ordinal);
        return open < 0
            ? [pattern]
            : [pattern[..open] + pattern[(close + 1)..], pattern[..open] + pattern[(open + 1)..close] + pattern[(close + 1)..]];
    }
}

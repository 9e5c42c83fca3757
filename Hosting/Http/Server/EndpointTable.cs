namespace Troupe.Hosting.Http.Server;

/// <summary>Finds the endpoint of a request target among rows. Paths match whole and letter for letter, and nothing is percent-decoded:
/// that
/// is Triton's contract.</summary>
/// <remarks>Immutable once made. The first row is the one that is asked for all day: a path that is nothing but its name, or name and
/// version, between its texts is held against them before the tree is walked. <b>Thread</b> any.</remarks>
internal sealed class EndpointTable
{
    private const string Name = "{name}";
    private const string Version = "{version}";

    private readonly EndpointPath _root = new();
    private readonly EndpointPath? _first;
    private readonly EndpointPath? _versioned;
    private readonly string _before = "";
    private readonly string _between = "";
    private readonly string _after = "";

    public EndpointTable(IReadOnlyList<EdgeEndpoint> rows)
    {
        foreach (EdgeEndpoint row in rows)
        {
            foreach (string path in Paths(row.Pattern))
            {
                _root.Add(path, row);
            }
        }

        string first = Paths(rows[0].Pattern).First();
        if (first.Split(Name) is not [{ } before, { } after] || before.Contains('{', StringComparison.Ordinal))
        {
            return;
        }

        (_before, _after) = (before, after);
        string? other = rows.SelectMany(row => Paths(row.Pattern))
            .FirstOrDefault(path => path != first && IsFirst(path, out ReadOnlySpan<char> name) && !name.Contains('/'));
        PathNames names = default;
        _first = other is null
            ? _root.Find(first, 0, ref names)
            : throw new ArgumentException($"'{other}' would be taken for '{first}', which is tried before it.");
        if (
            Paths(rows[0].Pattern).Last().Split(Version) is [{ } between, { } rest]
            && rest == after
            && between.StartsWith(before + Name, StringComparison.Ordinal)
        )
        {
            names = default;
            _between = between[(before + Name).Length..];
            _versioned = _root.Find($"{before}{Name}{_between}1{after}", 0, ref names);
        }
    }

    /// <summary>Where a target leads, and what it names; null where no endpoint has that path.</summary>
    /// <param name="target">The request target as it came over the wire, query included.</param>
    public EndpointPath? Find(ReadOnlySpan<char> target, out EdgeRoute route)
    {
        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query >= 0 ? target[..query] : target;
        if (_first is not null && IsFirst(path, out ReadOnlySpan<char> inner))
        {
            int slash = inner.IndexOf('/');
            if (slash < 0)
            {
                route = new EdgeRoute(inner.ToString());
                return _first;
            }

            if (
                slash > 0
                && _versioned is not null
                && inner[slash..].StartsWith(_between)
                && EndpointPath.TryVersion(inner[(slash + _between.Length)..], out int version)
            )
            {
                route = new EdgeRoute(inner[..slash].ToString(), version);
                return _versioned;
            }
        }

        PathNames names = default;
        EndpointPath? found = path.IsEmpty ? null : _root.Find(path, 0, ref names);
        route = new EdgeRoute(found is null ? "" : path[names.Start..names.End].ToString(), names.Version);
        return found;
    }

    /// <summary>The paths of a pattern: without what stands in brackets, and with it.</summary>
    public static IEnumerable<string> Paths(string pattern)
    {
        int open = pattern.IndexOf('[', StringComparison.Ordinal),
            close = pattern.IndexOf(']', StringComparison.Ordinal);
        return open < 0
            ? [pattern]
            : [pattern[..open] + pattern[(close + 1)..], pattern[..open] + pattern[(open + 1)..close] + pattern[(close + 1)..]];
    }

    /// <summary>Whether it stands between the texts of the first row.</summary>
    private bool IsFirst(ReadOnlySpan<char> path, out ReadOnlySpan<char> inner)
    {
        bool isFirst = path.Length > _before.Length + _after.Length && path.StartsWith(_before) && path.EndsWith(_after);
        inner = isFirst ? path[_before.Length..^_after.Length] : default;
        return isFirst;
    }
}

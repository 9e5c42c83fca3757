using System.Globalization;

namespace Troupe.Hosting.Http.Server;

/// <summary>One place in the tree of paths: the endpoints that end here, by verb, and the segments that may follow.</summary>
/// <remarks>Built by <see cref="EndpointTable"/>, then only read.</remarks>
internal sealed class EndpointPath
{
    private EdgeEndpoint[] _endpoints = [];
    private (string Text, EndpointPath Next)[] _literals = [];
    private EndpointPath? _parameter;
    private bool _isVersion;
    private bool _isName;

    /// <summary>The verbs that are answered here, as the header <c>Allow</c> lists them.</summary>
    public string Allow => string.Join(", ", _endpoints.Select(endpoint => endpoint.Verb));

    /// <summary>Label of the refusal of any other verb.</summary>
    public string ContentType => _endpoints[0].ContentType;

    /// <summary>The endpoint of a verb; null where the path does not have it.</summary>
    public EdgeEndpoint? For(string verb)
    {
        foreach (EdgeEndpoint endpoint in _endpoints)
        {
            if (string.Equals(endpoint.Verb, verb, StringComparison.Ordinal))
            {
                return endpoint;
            }
        }

        return null;
    }

    /// <summary>Puts an endpoint where <paramref name="path"/> ends.</summary>
    /// <exception cref="ArgumentException">The verb is taken there, or one place has parameters of two kinds.</exception>
    public void Add(ReadOnlySpan<char> path, EdgeEndpoint endpoint)
    {
        if (path.IsEmpty)
        {
            if (For(endpoint.Verb) is { } other)
            {
                throw new ArgumentException($"'{endpoint.Verb} {endpoint.Pattern}' is that of {other.Name} and {endpoint.Name}.");
            }

            _endpoints = [.. _endpoints, endpoint];
            return;
        }

        string segment = Segment(path).ToString();
        ReadOnlySpan<char> rest = path[(segment.Length + 1)..];
        (segment.StartsWith('{') ? Parameter(segment) : Literal(segment)).Add(rest, endpoint);
    }

    /// <summary>The place where a path ends, with what it names; null where no endpoint is. A segment that is written in a pattern goes
    /// before a parameter.</summary>
    public EndpointPath? Find(ReadOnlySpan<char> path, ref Range name, ref int? version, int at = 0)
    {
        if (at == path.Length)
        {
            return _endpoints.Length > 0 ? this : null;
        }

        if (path[at] != '/')
        {
            return null;
        }

        ReadOnlySpan<char> segment = Segment(path[at..]);
        int next = at + 1 + segment.Length;
        foreach ((string text, EndpointPath literal) in _literals)
        {
            if (segment.SequenceEqual(text) && literal.Find(path, ref name, ref version, next) is { } found)
            {
                return found;
            }
        }

        if (_parameter is null || segment.IsEmpty || (_isVersion && !IsNumber(segment)))
        {
            return null;
        }

        if (_parameter.Find(path, ref name, ref version, next) is not { } end)
        {
            return null;
        }

        if (_isVersion)
        {
            version = int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : -1;
        }
        else if (_isName)
        {
            name = (at + 1)..next;
        }

        return end;
    }

    /// <summary>What stands between a slash and the next one or the end.</summary>
    private static ReadOnlySpan<char> Segment(ReadOnlySpan<char> path)
    {
        int slash = path[1..].IndexOf('/');
        return slash < 0 ? path[1..] : path.Slice(1, slash);
    }

    private static bool IsNumber(ReadOnlySpan<char> segment)
    {
        foreach (char digit in segment)
        {
            if (!char.IsAsciiDigit(digit))
            {
                return false;
            }
        }

        return true;
    }

    private EndpointPath Literal(string segment)
    {
        foreach ((string text, EndpointPath next) in _literals)
        {
            if (text == segment)
            {
                return next;
            }
        }

        EndpointPath made = new();
        _literals = [.. _literals, (segment, made)];
        return made;
    }

    private EndpointPath Parameter(string segment)
    {
        (bool isVersion, bool isName) = (segment == "{version}", segment is "{name}" or "{token}" or "{session}");
        if (_parameter is null)
        {
            (_parameter, _isVersion, _isName) = (new EndpointPath(), isVersion, isName);
        }

        return (_isVersion, _isName) == (isVersion, isName)
            ? _parameter
            : throw new ArgumentException($"'{segment}' stands where another endpoint has a parameter of another kind.");
    }
}

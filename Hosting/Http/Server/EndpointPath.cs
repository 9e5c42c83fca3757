namespace Troupe.Hosting.Http.Server;

/// <summary>One place in the tree of paths: the endpoints that end here, by verb, and the segments that may follow.</summary>
/// <remarks>Built by <see cref="EndpointTable"/>, then only read.</remarks>
internal sealed class EndpointPath
{
    private EdgeEndpoint[] _endpoints = [];

    /// <summary>What may be written next, each with its slash, in the order of the rows that brought it: the first is the
    /// quickest.</summary>
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
            if (endpoint.Verb == verb)
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

        string segment = path[..End(path, 1)].ToString();
        (segment.StartsWith("/{", StringComparison.Ordinal) ? AddParameter(segment[1..]) : AddLiteral(segment)).Add(
            path[segment.Length..],
            endpoint
        );
    }

    /// <summary>The place where a path ends, from <paramref name="at"/> on; null where no endpoint is. What is written in a pattern goes
    /// before a parameter.</summary>
    public EndpointPath? Find(ReadOnlySpan<char> path, int at, ref PathNames names)
    {
        EndpointPath place = this;
        while (at < path.Length)
        {
            if (place.Literal(path[at..], out int length) is { } literal)
            {
                if (place._parameter is null)
                {
                    (place, at) = (literal, at + length);
                    continue;
                }

                PathNames before = names;
                if (literal.Find(path, at + length, ref names) is { } found)
                {
                    return found;
                }

                names = before;
            }

            if (place._parameter is null || path[at] != '/')
            {
                return null;
            }

            int end = End(path, at + 1);
            if (!place.TryName(path, at + 1, end, ref names))
            {
                return null;
            }

            (place, at) = (place._parameter, end);
        }

        return place._endpoints.Length > 0 ? place : null;
    }

    /// <summary>Notes what a parameter stands for here; false where it cannot be that.</summary>
    private bool TryName(ReadOnlySpan<char> path, int start, int end, ref PathNames names)
    {
        if (start == end)
        {
            return false;
        }

        if (_isVersion)
        {
            bool isNumber = TryVersion(path[start..end], out int version);
            names.Version = version;
            return isNumber;
        }

        if (_isName)
        {
            (names.Start, names.End) = (start, end);
        }

        return true;
    }

    /// <summary>What follows where the rest of a path begins with something written in a pattern.</summary>
    private EndpointPath? Literal(ReadOnlySpan<char> rest, out int length)
    {
        foreach ((string text, EndpointPath next) in _literals)
        {
            if (
                rest.Length >= text.Length
                && rest[text.Length - 1] == text[^1]
                && (rest.Length == text.Length || rest[text.Length] == '/')
                && rest.StartsWith(text)
            )
            {
                length = text.Length;
                return next;
            }
        }

        length = 0;
        return null;
    }

    /// <summary>Where the segment ends that begins at <paramref name="at"/>.</summary>
    private static int End(ReadOnlySpan<char> path, int at)
    {
        int length = path[at..].IndexOf('/');
        return length < 0 ? path.Length : at + length;
    }

    /// <summary>Reads a version, of digits alone; -1 where no version can have that number.</summary>
    public static bool TryVersion(ReadOnlySpan<char> segment, out int version)
    {
        long number = 0;
        foreach (char digit in segment)
        {
            if (!char.IsAsciiDigit(digit))
            {
                version = -1;
                return false;
            }

            number = number > int.MaxValue ? number : (number * 10) + (digit - '0');
        }

        version = number > int.MaxValue ? -1 : (int)number;
        return !segment.IsEmpty;
    }

    private EndpointPath AddLiteral(string segment)
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

    private EndpointPath AddParameter(string segment)
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

using System.Globalization;

namespace Troupe.Hosting.Http.V2;

/// <summary>A request path taken apart. Paths match whole and letter for letter, and nothing is percent-decoded: that is Triton's
/// contract.</summary>
/// <param name="Model">Name as written in the path, for modes and sessions their token or id; empty where the endpoint has none.</param>
/// <param name="Version">Number of the version in the path; null where none was written. -1: all digits, but no version can have that
/// number.</param>
internal readonly record struct V2Route(V2Endpoint Endpoint, string Model = "", int? Version = null)
{
    private const string Root = "/v2";

    /// <param name="target">The request target as it came over the wire, query included.</param>
    public static V2Route Match(ReadOnlySpan<char> target)
    {
        int query = target.IndexOf('?');
        ReadOnlySpan<char> path = query >= 0 ? target[..query] : target;
        if (!path.StartsWith(Root, StringComparison.Ordinal))
        {
            return default;
        }

        path = path[Root.Length..];
        if (path.IsEmpty)
        {
            return new V2Route(V2Endpoint.ServerMetadata);
        }

        return TakePrefix(ref path, "/models/") ? MatchModel(path)
            : TakePrefix(ref path, "/repository/") ? MatchRepository(path)
            : TakePrefix(ref path, "/troupe/") ? MatchTroupe(path)
            : path switch
            {
                "/health/live" => new V2Route(V2Endpoint.ServerLive),
                "/health/ready" => new V2Route(V2Endpoint.ServerReady),
                _ => default,
            };
    }

    private static V2Route MatchModel(ReadOnlySpan<char> path)
    {
        if (path is "stats")
        {
            return new V2Route(V2Endpoint.AllStatistics);
        }

        if (!TakeSegment(ref path, out ReadOnlySpan<char> model))
        {
            return default;
        }

        int? version = null;
        if (TakePrefix(ref path, "/versions/"))
        {
            if (!TakeSegment(ref path, out ReadOnlySpan<char> number) || number.ContainsAnyExceptInRange('0', '9'))
            {
                return default;
            }

            version = int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : -1;
        }

        V2Endpoint endpoint = path switch
        {
            "" => V2Endpoint.ModelMetadata,
            "/infer" => V2Endpoint.Infer,
            "/ready" => V2Endpoint.ModelReady,
            "/config" => V2Endpoint.ModelConfig,
            "/stats" => V2Endpoint.ModelStatistics,
            _ => V2Endpoint.None,
        };
        return endpoint == V2Endpoint.None ? default : new V2Route(endpoint, model.ToString(), version);
    }

    private static V2Route MatchRepository(ReadOnlySpan<char> path)
    {
        if (path is "index")
        {
            return new V2Route(V2Endpoint.RepositoryIndex);
        }

        bool named = !path.StartsWith("models/", StringComparison.Ordinal);
        if (named)
        {
            if (!TakeSegment(ref path, out _) || path is "")
            {
                return default;
            }

            path = path[1..];
            if (path is "index")
            {
                return new V2Route(V2Endpoint.RepositoryIndex);
            }
        }

        if (!TakePrefix(ref path, "models/") || !TakeSegment(ref path, out ReadOnlySpan<char> model) || path is not ("/load" or "/unload"))
        {
            return default;
        }

        return new V2Route(
            named ? V2Endpoint.NamedRepository
                : path is "/load" ? V2Endpoint.RepositoryLoad
                : V2Endpoint.RepositoryUnload,
            model.ToString()
        );
    }

    private static V2Route MatchTroupe(ReadOnlySpan<char> path)
    {
        if (TakePrefix(ref path, "models/") && TakeSegment(ref path, out ReadOnlySpan<char> model))
        {
            return path switch
            {
                "/load" => new V2Route(V2Endpoint.TroupeLoad, model.ToString()),
                "/unload" => new V2Route(V2Endpoint.TroupeUnload, model.ToString()),
                _ => default,
            };
        }

        if (TakePrefix(ref path, "modes/"))
        {
            return MatchNamed(path, V2Endpoint.ModeRenew, V2Endpoint.ModeExit);
        }

        if (TakePrefix(ref path, "sessions/"))
        {
            return MatchNamed(path, V2Endpoint.SessionRenew, V2Endpoint.SessionClose);
        }

        return path switch
        {
            "modes" => new V2Route(V2Endpoint.ModeList),
            "sessions" => new V2Route(V2Endpoint.SessionOpen),
            "devices" => new V2Route(V2Endpoint.TroupeDevices),
            "nodes" => new V2Route(V2Endpoint.TroupeNodes),
            "models" => new V2Route(V2Endpoint.TroupeModels),
            "openapi.json" => new V2Route(V2Endpoint.TroupeOpenApi),
            _ => default,
        };
    }

    /// <summary>A verb of modes, or what a token or id names: renewed by its own path, ended by deletion.</summary>
    private static V2Route MatchNamed(ReadOnlySpan<char> path, V2Endpoint renew, V2Endpoint end)
    {
        if (renew == V2Endpoint.ModeRenew && path is ("set" or "enter" or "explain"))
        {
            return new V2Route(
                path switch
                {
                    "set" => V2Endpoint.ModeSet,
                    "enter" => V2Endpoint.ModeEnter,
                    _ => V2Endpoint.ModeExplain,
                }
            );
        }

        return TakeSegment(ref path, out ReadOnlySpan<char> name) && path is ("" or "/renew")
            ? new V2Route(path is "" ? end : renew, name.ToString())
            : default;
    }

    private static bool TakePrefix(ref ReadOnlySpan<char> path, ReadOnlySpan<char> prefix)
    {
        if (!path.StartsWith(prefix, StringComparison.Ordinal))
        {
            return false;
        }

        path = path[prefix.Length..];
        return true;
    }

    /// <summary>Takes what stands before the next slash or the end; false where that is nothing.</summary>
    private static bool TakeSegment(ref ReadOnlySpan<char> path, out ReadOnlySpan<char> segment)
    {
        int slash = path.IndexOf('/');
        segment = slash < 0 ? path : path[..slash];
        path = path[segment.Length..];
        return !segment.IsEmpty;
    }
}

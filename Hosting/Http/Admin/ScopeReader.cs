using System.Globalization;
using Microsoft.Extensions.Primitives;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Reads scopes, as queries and documents give them.</summary>
internal static class ScopeReader
{
    /// <summary>A router counts for what it forwards, wherever that runs.</summary>
    public static readonly string[] OfRouters = ["model", "session"];

    private static readonly string[] All = ["node", "gpu", "model", "session"];

    /// <param name="selectors">What the scope may be given by; null: by everything.</param>
    /// <param name="besides">What else may stand in the query.</param>
    public static ModeScope Query(HttpContext context, string[]? selectors = null, string? besides = null)
    {
        selectors ??= All;
        string? Given(string name) => Value(context, name, "the scope ");

        return context.Request.Query.Keys.FirstOrDefault(key => key != besides && !selectors.Contains(key)) is { } unknown
            ? throw Bad($"unknown scope '{unknown}'; a scope is given by {string.Join(", ", selectors[..^1])} and {selectors[^1]}")
            : Of(new ScopeDocument(Given("node"), Given("gpu"), Given("model"), Given("session")));
    }

    /// <summary>One value of the query; null where there is none.</summary>
    public static string? Value(HttpContext context, string name, string kind = "") =>
        !context.Request.Query.TryGetValue(name, out StringValues value) ? null
        : value.Count > 1 ? throw Bad($"{kind}'{name}' is given twice")
        : value[0];

    /// <summary>The scope of a document; the cluster where there is none.</summary>
    public static ModeScope Of(ScopeDocument? written)
    {
        if (written is null)
        {
            return ModeScope.Cluster;
        }

        GpuId? gpu = null;
        if (written.Gpu is { } device)
        {
            gpu = GpuId.TryParse(device, out GpuId parsed)
                ? parsed
                : throw Bad($"gpu '{device}': a GPU is written host:port/ORDINAL; 'troupe devices' lists them");
        }

        return new ModeScope(
            written.Node is { } node ? new NodeId(node) : null,
            gpu,
            written.Model is { } model ? Model(model) : null,
            written.Session is { } session ? new SessionId(Id(session, "session")) : null
        );
    }

    private static ModelReference Model(string written)
    {
        int slash = written.LastIndexOf('/');
        return slash > 0 && int.TryParse(written.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? new ModelReference(written[..slash], number)
            : new ModelReference(written);
    }

    /// <summary>A token or session.</summary>
    public static Guid Id(string written, string what) =>
        Guid.TryParseExact(written, "N", out Guid id) ? id : throw Bad($"'{written}' is no {what}; it has 32 hexadecimal digits");

    private static BadHttpRequestException Bad(string message) => new(message);
}

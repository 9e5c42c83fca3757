namespace Troupe.Hosting.Options;

/// <summary>Tells misspelt environment variables from those of others that begin with the same word.</summary>
internal static class OptionVariables
{
    /// <summary>Address of the node that client commands talk to.</summary>
    public const string Url = "TROUPE_URL";

    /// <summary>With the value 1 a defect is shown with its stack.</summary>
    public const string StackTrace = "TROUPE_STACKTRACE";

    private const string Prefix = "TROUPE_";

    private static readonly HashSet<string> Known = [Url, StackTrace, .. OptionKeys.All.Select(key => key.Variable)];

    /// <summary>Those that look like settings and are none.</summary>
    public static IEnumerable<string> Unknown(IEnumerable<string> variables) =>
        variables
            .Where(name => name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !Known.Contains(name) && !IsOfService(name))
            .Order(StringComparer.Ordinal);

    /// <summary>Kubernetes gives every container the addresses of a service called <c>troupe</c>, and of ones called
    /// <c>troupe-…</c>.</summary>
    private static bool IsOfService(string name) =>
        name.EndsWith("_SERVICE_HOST", StringComparison.Ordinal)
        || name.EndsWith("_PORT", StringComparison.Ordinal)
        || name.Contains("_SERVICE_PORT", StringComparison.Ordinal)
        || name.Contains("_PORT_", StringComparison.Ordinal);
}

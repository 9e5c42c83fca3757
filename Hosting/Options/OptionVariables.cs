namespace Troupe.Hosting.Options;

/// <summary>Tells misspelt environment variables from those of others that begin with the same word.</summary>
internal static class OptionVariables
{
    /// <summary>Address of the node that client commands talk to.</summary>
    public const string Url = "TROUPE_URL";

    /// <summary>With the value 1 a defect is shown with its stack.</summary>
    public const string StackTrace = "TROUPE_STACKTRACE";

    private const string Prefix = "TROUPE_";

    private const string ServiceHost = "_SERVICE_HOST";
    private const string ServicePort = "_SERVICE_PORT";

    private static readonly string[] Protocols = ["tcp://", "udp://", "sctp://"];
    private static readonly string[] PartsOfAddress = ["_ADDR", "_PORT", "_PROTO"];

    private static readonly HashSet<string> Known = [Url, StackTrace, .. OptionKeys.All.Select(key => key.Variable)];

    /// <summary>Those that look like settings and are none.</summary>
    public static IEnumerable<string> Unknown(IReadOnlyDictionary<string, string> variables) =>
        variables
            .Keys.Where(name =>
                name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !Known.Contains(name) && !IsOfService(name, variables)
            )
            .Order(StringComparer.Ordinal);

    /// <summary>Kubernetes gives every container the addresses of a service called <c>troupe</c>, and of ones called <c>troupe-…</c>: host
    /// and port together, and each port as an address with its parts beside it.</summary>
    private static bool IsOfService(string name, IReadOnlyDictionary<string, string> variables)
    {
        int port = name.IndexOf(ServicePort, StringComparison.Ordinal);
        return name.EndsWith(ServiceHost, StringComparison.Ordinal) ? variables.ContainsKey(name[..^ServiceHost.Length] + ServicePort)
            : port > 0 ? variables.ContainsKey(name[..port] + ServiceHost)
            : IsAddress(name, variables)
                || Array.Exists(
                    PartsOfAddress,
                    part => name.EndsWith(part, StringComparison.Ordinal) && IsAddress(name[..^part.Length], variables)
                );
    }

    private static bool IsAddress(string name, IReadOnlyDictionary<string, string> variables) =>
        (name.EndsWith("_PORT", StringComparison.Ordinal) || name.Contains("_PORT_", StringComparison.Ordinal))
        && variables.TryGetValue(name, out string? value)
        && Array.Exists(Protocols, protocol => value.StartsWith(protocol, StringComparison.Ordinal));
}

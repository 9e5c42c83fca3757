using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Troupe.Hosting.Options;

/// <summary>A host and a port, as an operator writes them: <c>127.0.0.1:8000</c>, <c>localhost:8000</c>, <c>[::1]:8000</c>, <c>*:8000</c>
/// or only <c>8000</c>.</summary>
/// <param name="Host">Without the brackets of IPv6; the loopback address where none was written.</param>
/// <param name="Port">0 takes any free port.</param>
internal sealed record ListenAddress(string Host, int Port)
{
    public const string Form = "write ADDRESS:PORT, e.g. 127.0.0.1:8000";

    private const string Loopback = "127.0.0.1";

    /// <summary>True where the address stands for every interface and so names no host that another could call.</summary>
    public bool IsWildcard => Host is "*" or "0.0.0.0" or "::";

    /// <summary>Reads one address; on failure <paramref name="problem"/> says what is wrong with it.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out ListenAddress? address, [NotNullWhen(false)] out string? problem)
    {
        address = null;
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? Loopback : text[..colon];
        string port = colon < 0 ? text : text[(colon + 1)..];
        if (host.StartsWith('[') && host.EndsWith(']'))
        {
            host = host[1..^1];
        }
        else if (host.Contains(':', StringComparison.Ordinal))
        {
            problem = "an IPv6 address stands in brackets";
            return false;
        }

        if (host.Length == 0 || (host != "*" && Uri.CheckHostName(host) == UriHostNameType.Unknown))
        {
            problem = $"'{host}' is not a host name or an IP address";
            return false;
        }

        if (!int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number) || number > ushort.MaxValue)
        {
            problem = $"'{port}' is not a port (0 to 65535)";
            return false;
        }

        problem = null;
        address = new ListenAddress(host, number);
        return true;
    }

    /// <summary>The address to bind to; a name is looked up, IPv4 first.</summary>
    /// <exception cref="SocketException">The name has no address.</exception>
    public IPEndPoint Resolve()
    {
        if (IsWildcard)
        {
            return new IPEndPoint(Host == "::" ? IPAddress.IPv6Any : IPAddress.Any, Port);
        }

        if (IPAddress.TryParse(Host, out IPAddress? literal))
        {
            return new IPEndPoint(literal, Port);
        }

        IPAddress[] found = Dns.GetHostAddresses(Host);
        return new IPEndPoint(Array.Find(found, one => one.AddressFamily == AddressFamily.InterNetwork) ?? found[0], Port);
    }

    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

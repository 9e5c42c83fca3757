namespace Troupe.Hosting.Bench;

/// <summary>A bounded load: prepared requests over keep-alive connections, each client one at a time.</summary>
/// <param name="Target">Address of the node.</param>
/// <param name="Request">The whole HTTP request as it goes over the wire.</param>
/// <param name="Clients">Connections, each with one request on its way.</param>
/// <param name="Duration">How long new requests are sent.</param>
/// <param name="MostCalls">Of each client; it ends before its time when it has sent so many.</param>
internal sealed record LoadSpec(
    System.Net.DnsEndPoint Target,
    ReadOnlyMemory<byte> Request,
    int Clients,
    TimeSpan Duration,
    long MostCalls = long.MaxValue
);

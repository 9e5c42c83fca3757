namespace Troupe.Hosting.Http.Admin;

/// <summary>Answer of <c>GET /v2/troupe/devices</c>: every device of every known node.</summary>
internal sealed record DevicesDocument(DeviceDocument[] Devices);

/// <summary>One device as its node last told.</summary>
/// <param name="Id"><c>host:port/ORDINAL</c></param>
internal sealed record DeviceDocument(
    string Id,
    string Node,
    int Ordinal,
    string Name,
    string Health,
    string Reason,
    int Queued,
    int QueueLimit,
    int InFlight,
    long MemoryUsedBytes,
    long MemoryTotalBytes,
    string[] Models
);

using System.ComponentModel.DataAnnotations;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Answer of <c>GET /v2/troupe/devices</c>: every device of every known node.</summary>
internal sealed record DevicesDocument(DeviceDocument[] Devices);

/// <summary>One device as its node last told.</summary>
/// <param name="Id"><c>host:port/ORDINAL</c></param>
/// <param name="Reason">Why it is not ready; empty while it is.</param>
/// <param name="Models">Those that it admits forwards for, <c>NAME/VERSION</c>.</param>
internal sealed record DeviceDocument(
    string Id,
    string Node,
    int Ordinal,
    string Name,
    [property: AllowedValues("starting", "ready", "rebuilding", "quarantined", "draining", "unreachable")] string Health,
    string Reason,
    int Queued,
    int QueueLimit,
    int InFlight,
    long MemoryUsedBytes,
    long MemoryTotalBytes,
    string[] Models
);

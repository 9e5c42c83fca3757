using Prometheus;
using Troupe.Hosting.Edge;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of host memory for tensors and bodies: Triton's two of the page-locked part, and Troupe's own.</summary>
/// <remarks><b>Thread</b> that of <see cref="NodeMetrics"/>.</remarks>
internal sealed class HostMemoryMetrics(IMetricFactory factory)
{
    private readonly (Gauge Gauge, Func<HostMemorySnapshot, RequestMemory, double> Value)[] _series =
    [
        (
            factory.CreateGauge("nv_pinned_memory_pool_total_bytes", "Pinned memory pool total memory size, in bytes"),
            (host, _) => host.PinnedBytes
        ),
        (
            factory.CreateGauge("nv_pinned_memory_pool_used_bytes", "Pinned memory pool used memory size, in bytes"),
            (host, _) => host.PinnedUsedBytes
        ),
        (
            factory.CreateGauge("troupe_host_memory_limit_bytes", "Most bytes of host memory that blocks for tensors and bodies may take"),
            (host, _) => host.LimitBytes
        ),
        (
            factory.CreateGauge("troupe_host_memory_reserved_bytes", "Bytes of host memory in blocks for tensors and bodies"),
            (host, _) => host.ReservedBytes
        ),
        (factory.CreateGauge("troupe_host_memory_used_bytes", "Bytes of those blocks that are lent"), (host, _) => host.UsedBytes),
        (factory.CreateGauge("troupe_host_memory_idle_bytes", "Bytes of those blocks that lie ready"), (host, _) => host.IdleBytes),
        (
            factory.CreateGauge("troupe_host_memory_high_water_bytes", "Most bytes of those blocks that were lent at one time"),
            (host, _) => host.HighWaterBytes
        ),
        (factory.CreateGauge("troupe_host_memory_leases", "Leases of host memory that are not over"), (host, _) => host.Leases),
        (
            factory.CreateGauge("troupe_request_memory_limit_bytes", "Most bytes of the bodies of all requests in flight"),
            (_, requests) => requests.Budget.Limit
        ),
        (
            factory.CreateGauge("troupe_request_memory_used_bytes", "Bytes of the bodies of all requests in flight"),
            (_, requests) => requests.Budget.Used
        ),
    ];

    private readonly Counter _forgotten = factory.CreateCounter(
        "troupe_host_memory_forgotten_total",
        "Leases of host memory that nobody ended, taken back: each is a defect"
    );

    private readonly Counter _refusals = factory.CreateCounter(
        "troupe_request_memory_refusals_total",
        "Requests that were answered 503 because the bodies in flight had no room"
    );

    public void Refresh(RequestMemory requests)
    {
        HostMemorySnapshot host = requests.Host.Snapshot();
        foreach ((Gauge gauge, Func<HostMemorySnapshot, RequestMemory, double> value) in _series)
        {
            gauge.Set(value(host, requests));
        }

        _forgotten.IncTo(host.Forgotten);
        _refusals.IncTo(requests.Budget.Refusals);
    }
}

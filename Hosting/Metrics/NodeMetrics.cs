using Prometheus;
using Troupe.Actors.Membership;
using Troupe.Hosting.Edge;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Hosting.Metrics;

/// <summary>The metric series: Triton's names for what it has too, <c>troupe_…</c> for the rest. Filled from ledgers and snapshots when
/// they are read.</summary>
/// <remarks>Series of a model exist, at 0, as soon as it is served and vanish when it is not; those of a device follow the node's
/// view.</remarks>
internal sealed class NodeMetrics
{
    private static readonly string[] GpuLabels = ["gpu_uuid"];

    private readonly NodeEdge _edge;
    private readonly Lock _lock = new();
    private readonly ModelMetrics _models;
    private readonly (Gauge Gauge, Func<GpuSnapshot, double> Value)[] _gpu;
    private readonly Counter _forwards;
    private readonly Gauge _nodes;
    private readonly Counter _foreign;
    private readonly InstanceMetrics _instances;
    private readonly MemoryMetrics _deviceMemory;
    private readonly ModeMetrics _modes;
    private readonly ModeAuditMetrics _audit;
    private readonly HostMemoryMetrics _hostMemory;
    private readonly MachineMetrics _machine;
    private HashSet<string> _shownGpus = [];

    public NodeMetrics(IMetricFactory factory, NodeEdge edge)
    {
        _edge = edge;
        _models = new ModelMetrics(factory);
        _gpu =
        [
            (OfGpu("nv_gpu_memory_total_bytes", "GPU total memory, in bytes"), gpu => gpu.MemoryTotalBytes),
            (OfGpu("nv_gpu_memory_used_bytes", "GPU used memory, in bytes"), gpu => gpu.MemoryUsedBytes),
            (OfGpu("troupe_gpu_queued", "Forwards waiting in the device's queue"), gpu => gpu.Queued),
            (OfGpu("troupe_gpu_queue_limit", "Forwards that may wait in the device's queue"), gpu => gpu.QueueLimit),
            (OfGpu("troupe_gpu_in_flight", "Forwards launched on the device and not complete"), gpu => gpu.InFlight),
            (OfGpu("troupe_gpu_credits", "Forwards the device's queue would still take"), gpu => Math.Max(0, gpu.QueueLimit - gpu.Queued)),
            (OfGpu("troupe_gpu_ready", "1 while the device is in service"), gpu => gpu.Health == GpuHealth.Ready ? 1 : 0),
        ];
        _forwards = factory.CreateCounter("troupe_forwards_total", "Forwards of this node's edge that a device answered", GpuLabels);
        _nodes = factory.CreateGauge("troupe_nodes", "Nodes this node knows, itself included", ["state"]);
        _foreign = factory.CreateCounter(
            "troupe_foreign_messages_total",
            "Messages that came over the control plane and were dropped",
            ["reason"]
        );
        _instances = new InstanceMetrics(factory);
        _deviceMemory = new MemoryMetrics(factory);
        _modes = new ModeMetrics(factory);
        _audit = new ModeAuditMetrics(factory);
        _hostMemory = new HostMemoryMetrics(factory);
        _machine = new MachineMetrics(factory);

        Gauge OfGpu(string name, string help) => factory.CreateGauge(name, help, GpuLabels);
    }

    /// <summary>Brings every series to the values of now.</summary>
    public void Refresh()
    {
        lock (_lock)
        {
            _models.Refresh(_edge.Catalogue, _edge.Ledgers);
            RefreshGpus();
            _instances.Refresh(_edge.Node.Id, _edge.Node.Instances);
            _deviceMemory.Refresh(_edge.Node.Id, _edge.Node.Memory, _edge.Node.Instances);
            _modes.Refresh(_edge.Node.Modes);
            _audit.Refresh(_edge.Node.Audit);
            _hostMemory.Refresh(_edge.Memory);
            _machine.Refresh();
            _nodes.WithLabels("reachable").Set(_edge.Node.View.Nodes.Count(node => !_edge.Node.View.Unreachable.Contains(node.Node)));
            foreach ((ForeignReason reason, long dropped) in _edge.Node.ForeignMessages)
            {
                _foreign.Raise(dropped, Label(reason));
            }

            _nodes.WithLabels("unreachable").Set(_edge.Node.View.Unreachable.Count);
        }
    }

    private static string Label(ForeignReason reason) =>
        reason switch
        {
            ForeignReason.NotRead => "not_read",
            ForeignReason.Invalid => "invalid",
            ForeignReason.NoMember => "no_member",
            ForeignReason.NotTaken => "not_taken",
            ForeignReason.OtherNode => "other_node",
            ForeignReason.BeyondTime => "beyond_time",
        };

    private void RefreshGpus()
    {
        IReadOnlyDictionary<GpuId, long> forwards = _edge.Ledgers.Forwards();
        HashSet<string> shown = [];
        foreach (GpuSnapshot gpu in _edge.Node.View.Nodes.SelectMany(node => node.Gpus))
        {
            string id = gpu.Gpu.ToString();
            shown.Add(id);
            foreach ((Gauge gauge, Func<GpuSnapshot, double> value) in _gpu)
            {
                gauge.WithLabels(id).Set(value(gpu));
            }

            _forwards.Raise(forwards.GetValueOrDefault(gpu.Gpu), id);
        }

        foreach (string gone in _shownGpus.Except(shown))
        {
            Array.ForEach(_gpu, series => series.Gauge.RemoveLabelled(gone));
            _forwards.RemoveLabelled(gone);
        }

        _shownGpus = shown;
    }
}

using System.Globalization;
using Prometheus;
using Troupe.Messages.Identity;
using Troupe.Runtime.Counts;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of this node's instances, one set per model version and device: what the modes did with graphs, outputs, weights and
/// devices.</summary>
/// <remarks>A series exists, at 0, once an instance is loaded and vanishes with it; one loaded anew, or rebuilt after its executor failed,
/// starts over. <b>Thread</b> that of <see cref="NodeMetrics"/>.</remarks>
internal sealed class InstanceMetrics
{
    private static readonly string[] Labels = ["model", "version", "gpu_uuid"];

    private readonly (Counter Counter, Func<InstanceCounts, long> Value)[] _counters;
    private readonly Gauge _budget;
    private readonly Gauge _streamable;
    private HashSet<(string Model, string Version, string Gpu)> _shown = [];

    public InstanceMetrics(IMetricFactory factory)
    {
        _counters =
        [
            (Of("troupe_graph_captures_total", "CUDA graphs recorded and instantiated"), counts => counts.Captures),
            (Of("troupe_graph_capture_failures_total", "Recordings given up; the forward ran plainly"), counts => counts.FailedCaptures),
            (Of("troupe_graph_replays_total", "CUDA graph launches"), counts => counts.Replays),
            (Of("troupe_graph_warm_ups_total", "Launches before a recording, whose results are thrown away"), counts => counts.WarmUps),
            (Of("troupe_graph_hits_total", "Times a forward found its graph"), counts => counts.GraphHits),
            (Of("troupe_graph_misses_total", "Times a forward had to record its graph"), counts => counts.GraphMisses),
            (
                Of("troupe_graph_evictions_total", "Graphs released: least recently used, unproven, or no longer held by a mode"),
                counts => counts.GraphEvictions
            ),
            (Of("troupe_device_switches_total", "Times a forward left one device context for another"), counts => counts.DeviceSwitches),
            (Of("troupe_input_moves_total", "Inputs moved from another device under multi-device safe mode"), counts => counts.MovedInputs),
            (
                Of("troupe_output_set_reuses_total", "Forwards that got their outputs from a pre-allocated set made before"),
                counts => counts.SetReuses
            ),
            (
                Of("troupe_output_allocations_total", "Outputs allocated while an engine was being enqueued"),
                counts => counts.AllocatorCalls
            ),
            (Of("troupe_execution_contexts_total", "Execution contexts made"), counts => counts.Contexts),
        ];
        _budget = factory.CreateGauge("troupe_weight_budget_bytes", "Streamable weights that may lie in device memory", Labels);
        _streamable = factory.CreateGauge(
            "troupe_weight_streamable_bytes",
            "Weights that may be streamed; 0 where the back end cannot",
            Labels
        );

        Counter Of(string name, string help) => factory.CreateCounter(name, help, Labels);
    }

    /// <summary>Brings every series to the values of now.</summary>
    public void Refresh(NodeId node, IReadOnlyList<InstanceSnapshot> instances)
    {
        HashSet<(string, string, string)> shown = [];
        foreach (InstanceSnapshot instance in instances)
        {
            string[] labels =
            [
                instance.Model.Name,
                instance.Model.Number.ToString(CultureInfo.InvariantCulture),
                new GpuId(node, instance.Ordinal).ToString(),
            ];
            shown.Add((labels[0], labels[1], labels[2]));
            foreach ((Counter counter, Func<InstanceCounts, long> value) in _counters)
            {
                counter.Raise(value(instance.Counts), labels);
            }

            _budget.WithLabels(labels).Set(instance.WeightBudgetBytes);
            _streamable.WithLabels(labels).Set(instance.StreamableWeightBytes);
        }

        foreach ((string model, string version, string gpu) in _shown.Except(shown))
        {
            Array.ForEach(_counters, series => series.Counter.RemoveLabelled(model, version, gpu));
            _budget.RemoveLabelled(model, version, gpu);
            _streamable.RemoveLabelled(model, version, gpu);
        }

        _shown = shown;
    }
}

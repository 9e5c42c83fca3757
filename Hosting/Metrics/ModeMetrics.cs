using Prometheus;
using Troupe.Actors.Counts;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of this node's mode directory: the epoch, and how much holds at which scope.</summary>
/// <remarks><b>Thread</b> that of <see cref="NodeMetrics"/>.</remarks>
internal sealed class ModeMetrics(IMetricFactory factory)
{
    private readonly Gauge _epoch = factory.CreateGauge("troupe_mode_epoch", "Epoch of the modes in force on this node");
    private readonly Gauge _entries = factory.CreateGauge(
        "troupe_mode_entries",
        "Live mode baselines and entries by the scope they hold for",
        ["scope"]
    );
    private readonly Gauge _sessions = factory.CreateGauge("troupe_sessions", "Open sessions");

    public void Refresh(ModeCounts counts)
    {
        _epoch.Set(counts.Epoch);
        _entries.WithLabels("cluster").Set(counts.Cluster);
        _entries.WithLabels("node").Set(counts.Node);
        _entries.WithLabels("gpu").Set(counts.Gpu);
        _entries.WithLabels("model").Set(counts.Model);
        _entries.WithLabels("model_on_gpu").Set(counts.ModelOnGpu);
        _entries.WithLabels("session").Set(counts.Session);
        _sessions.Set(counts.OpenSessions);
    }
}

using System.Globalization;
using Prometheus;
using Troupe.Messages.Identity;
using Troupe.Runtime.Counts;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of device memory: of each device of this node, and of each instance on each of its devices.</summary>
/// <remarks>Those of an instance vanish with it. <b>Thread</b> that of <see cref="NodeMetrics"/>.</remarks>
internal sealed class MemoryMetrics
{
    private static readonly string[] DeviceLabels = ["gpu_uuid"];
    private static readonly string[] InstanceLabels = ["model", "version", "gpu_uuid"];

    private readonly (Gauge Gauge, Func<MemoryCounts, long> Value)[] _device;
    private readonly (Gauge Gauge, Func<InstanceMemory, long> Value)[] _instance;
    private readonly Counter _reclaimed;
    private readonly Counter _given;
    private HashSet<(string Model, string Version, string Gpu)> _shown = [];

    public MemoryMetrics(IMetricFactory factory)
    {
        _device =
        [
            (OfDevice("troupe_device_memory_budget_bytes", "Most that is taken of the device"), memory => memory.Budget),
            (OfDevice("troupe_device_memory_reserved_bytes", "Taken from the driver: used and idle"), memory => memory.Reserved),
            (OfDevice("troupe_device_memory_used_bytes", "Lent to instances"), memory => memory.Used),
            (OfDevice("troupe_device_memory_idle_bytes", "Taken from the driver and not lent"), memory => memory.Idle),
            (OfDevice("troupe_device_memory_high_water_bytes", "Most that was ever lent at one time"), memory => memory.HighWater),
            (
                OfDevice("troupe_device_memory_foreign_bytes", "Used on the device by libraries and other processes"),
                memory => memory.Foreign
            ),
        ];
        _reclaimed = factory.CreateCounter(
            "troupe_device_memory_reclaimed_bytes_total",
            "Idle or kept, and given back because somebody needed memory",
            DeviceLabels
        );
        _instance =
        [
            (OfInstance("troupe_instance_memory_used_bytes", "Lent to the instance"), memory => memory.Used),
            (
                OfInstance("troupe_instance_memory_high_water_bytes", "Most that was ever lent to it at one time"),
                memory => memory.HighWater
            ),
        ];
        _given = factory.CreateCounter(
            "troupe_instance_memory_reclaimed_bytes_total",
            "Kept between forwards, and given because somebody needed memory",
            InstanceLabels
        );

        Gauge OfDevice(string name, string help) => factory.CreateGauge(name, help, DeviceLabels);
        Gauge OfInstance(string name, string help) => factory.CreateGauge(name, help, InstanceLabels);
    }

    /// <summary>Brings every series to the values of now.</summary>
    public void Refresh(NodeId node, IReadOnlyList<MemoryCounts> devices, IReadOnlyList<InstanceSnapshot> instances)
    {
        for (int ordinal = 0; ordinal < devices.Count; ordinal++)
        {
            MemoryCounts memory = devices[ordinal];
            string gpu = new GpuId(node, ordinal).ToString();
            Array.ForEach(_device, series => series.Gauge.WithLabels(gpu).Set(series.Value(memory)));
            _reclaimed.Raise(memory.Reclaimed, gpu);
        }

        HashSet<(string, string, string)> shown = [];
        foreach (InstanceSnapshot instance in instances)
        {
            foreach (InstanceMemory memory in instance.Memory)
            {
                string version = instance.Model.Number.ToString(CultureInfo.InvariantCulture);
                string[] labels = [instance.Model.Name, version, new GpuId(node, memory.Ordinal).ToString()];
                shown.Add((labels[0], labels[1], labels[2]));
                Array.ForEach(_instance, series => series.Gauge.WithLabels(labels).Set(series.Value(memory)));
                _given.Raise(memory.Reclaimed, labels);
            }
        }

        foreach ((string model, string version, string gpu) in _shown.Except(shown))
        {
            Array.ForEach(_instance, series => series.Gauge.RemoveLabelled(model, version, gpu));
            _given.RemoveLabelled(model, version, gpu);
        }

        _shown = shown;
    }
}

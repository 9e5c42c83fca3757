using Prometheus;

namespace Troupe.Hosting.Metrics;

/// <summary>Triton's series of the machine's processors and memory, where the system tells them as Linux does; elsewhere there are
/// none.</summary>
/// <remarks><b>Owns</b> the last reading. <b>Thread</b> that of <see cref="NodeMetrics"/>. <b>Blocks</b> to read two files that the kernel
/// makes.</remarks>
internal sealed class MachineMetrics(IMetricFactory factory, Func<MachineLoad?> read)
{
    private readonly Gauge _utilization = Silent(factory, "nv_cpu_utilization", "CPU utilization rate [0.0 - 1.0]");
    private readonly Gauge _memory = Silent(factory, "nv_cpu_memory_total_bytes", "CPU total memory (RAM), in bytes");
    private readonly Gauge _used = Silent(factory, "nv_cpu_memory_used_bytes", "CPU used memory (RAM), in bytes");
    private MachineLoad _last;

    /// <summary>Of this machine.</summary>
    public MachineMetrics(IMetricFactory factory)
        : this(factory, Read) { }

    /// <summary>Brings the series to the values of now; utilization is that since they were last brought there.</summary>
    public void Refresh()
    {
        if (read() is not { } now)
        {
            return;
        }

        if (now.UtilizationSince(_last) is { } utilization)
        {
            _utilization.Set(utilization);
            _last = now;
        }

        _memory.Set(now.MemoryBytes);
        _used.Set(now.MemoryUsedBytes);
    }

    private static MachineLoad? Read()
    {
        try
        {
            return MachineLoad.Parse(File.ReadAllText("/proc/stat"), File.ReadAllText("/proc/meminfo"));
        }
        catch (Exception absent) when (absent is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A gauge that is not there before it was set.</summary>
    private static Gauge Silent(IMetricFactory factory, string name, string help) =>
        factory.CreateGauge(name, help, new GaugeConfiguration { SuppressInitialValue = true });
}

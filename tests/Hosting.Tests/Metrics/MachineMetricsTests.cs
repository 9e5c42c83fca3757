using System.Text;
using Prometheus;
using Troupe.Hosting.Metrics;

namespace Troupe.Hosting.Tests.Metrics;

public sealed class MachineMetricsTests
{
    private const string Stat = "cpu  100 20 30 800 50 1 2 3 90 0\ncpu0 1 1 1 1 1 1 1 1 0 0\nintr 5\n";
    private const string Memory = "MemTotal:       2000 kB\nMemFree:         100 kB\nMemAvailable:    500 kB\n";

    [Fact]
    public void The_texts_of_linux_say_what_is_busy_and_what_is_used() =>
        Assert.Equal(new MachineLoad(156, 1006, 2000 << 10, 1500 << 10), MachineLoad.Parse(Stat, Memory));

    [Fact]
    public void A_kernel_that_does_not_tell_what_is_available_tells_what_is_free() =>
        Assert.Equal(
            1900 << 10,
            MachineLoad.Parse(Stat, Memory.Replace("MemAvailable", "Other", StringComparison.Ordinal))!.Value.MemoryUsedBytes
        );

    [Theory]
    [InlineData("", Memory)]
    [InlineData("cpu 1 2 3", Memory)]
    [InlineData("cpu 1 2 3 x 5 6 7 8", Memory)]
    [InlineData("cpu0 1 2 3 4 5 6 7 8", Memory)]
    [InlineData(Stat, "")]
    [InlineData(Stat, "MemTotal: much")]
    public void Texts_that_say_something_else_tell_nothing(string stat, string memory) => Assert.Null(MachineLoad.Parse(stat, memory));

    [Fact]
    public async Task Utilization_is_that_between_two_looks_and_stays_where_no_time_went_by()
    {
        MachineLoad? load = new MachineLoad(50, 100, 10, 4);
        (CollectorRegistry registry, MachineMetrics metrics) = Metrics(() => load);
        metrics.Refresh();
        Assert.Contains("nv_cpu_utilization 0.5\n", await TextAsync(registry), StringComparison.Ordinal);
        load = new MachineLoad(75, 200, 10, 5);
        metrics.Refresh();
        metrics.Refresh();
        string text = await TextAsync(registry);
        Assert.Contains("nv_cpu_utilization 0.25\n", text, StringComparison.Ordinal);
        Assert.Contains("nv_cpu_memory_total_bytes 10\n", text, StringComparison.Ordinal);
        Assert.Contains("nv_cpu_memory_used_bytes 5\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_the_system_does_not_tell_there_are_no_series()
    {
        (CollectorRegistry registry, MachineMetrics metrics) = Metrics(() => null);
        metrics.Refresh();
        Assert.DoesNotContain("\nnv_cpu", await TextAsync(registry), StringComparison.Ordinal);
    }

    private static (CollectorRegistry Registry, MachineMetrics Metrics) Metrics(Func<MachineLoad?> read)
    {
        CollectorRegistry registry = Prometheus.Metrics.NewCustomRegistry();
        return (registry, new MachineMetrics(Prometheus.Metrics.WithCustomRegistry(registry), read));
    }

    private static async Task<string> TextAsync(CollectorRegistry registry)
    {
        using MemoryStream text = new();
        await registry.CollectAndExportAsTextAsync(text, TestContext.Current.CancellationToken);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}

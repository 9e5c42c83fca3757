using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Toolchains.InProcess.NoEmit;

namespace Troupe.Benchmarks.Ladder;

/// <summary>One process, many short iterations, medians: on noisy machines ratios within one run are all that counts.</summary>
internal sealed class LadderConfig : ManualConfig
{
    public LadderConfig()
    {
        AddJob(
            Job.Default.WithToolchain(InProcessNoEmitToolchain.Instance)
                .WithWarmupCount(8)
                .WithIterationCount(25)
                .WithMinIterationTime(Perfolizer.Horology.TimeInterval.FromMilliseconds(50))
        );
        AddColumnProvider(DefaultColumnProviders.Params, DefaultColumnProviders.Metrics);
        AddColumn(TargetMethodColumn.Method, StatisticColumn.Median, StatisticColumn.Min, BaselineRatioColumn.RatioMean);
        AddDiagnoser(MemoryDiagnoser.Default);
        AddExporter(MarkdownExporter.GitHub, BenchmarkDotNet.Exporters.Json.JsonExporter.FullCompressed);
        AddLogger(ConsoleLogger.Default);
        WithOptions(ConfigOptions.DisableOptimizationsValidator | ConfigOptions.JoinSummary);
        ArtifactsPath = Path.Combine(Environment.CurrentDirectory, "artifacts", "benchmarks");
    }
}

using BenchmarkDotNet.Running;
using Troupe.Benchmarks.Ladder;
using Troupe.Benchmarks.Modes;

// dotnet run -c Release --project tests/Benchmarks                              everything by BenchmarkDotNet
// dotnet run -c Release --project tests/Benchmarks -- --filter '*ModeLadder*'   each mode against plain
// dotnet run -c Release --project tests/Benchmarks -- mode-latency              a cluster's acknowledgement of a mode
if (args is ["mode-latency"])
{
    await ModeLatency.RunAsync();
}
else
{
    BenchmarkSwitcher.FromTypes([typeof(OverheadLadder), typeof(ModeLadder)]).Run(args.Length > 0 ? args : ["--filter", "*"], new LadderConfig());
}

using BenchmarkDotNet.Running;
using Troupe.Benchmarks.Ladder;
using Troupe.Benchmarks.Modes;

// dotnet run -c Release --project tests/Benchmarks                    the ladder, into tests/Benchmarks/results
// dotnet run -c Release --project tests/Benchmarks -- --filter '*Router*'
// dotnet run -c Release --project tests/Benchmarks -- mode-table      each mode against plain
// dotnet run -c Release --project tests/Benchmarks -- mode-latency    a cluster's acknowledgement of a mode
switch (args)
{
    case ["mode-table"]:
        ModeTable.Run();
        break;
    case ["mode-latency"]:
        await ModeLatency.RunAsync();
        break;
    default:
        BenchmarkSwitcher.FromTypes([typeof(OverheadLadder)]).Run(args.Length > 0 ? args : ["--filter", "*"], new LadderConfig());
        break;
}

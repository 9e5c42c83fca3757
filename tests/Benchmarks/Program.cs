using BenchmarkDotNet.Running;
using Troupe.Benchmarks.Ladder;
using Troupe.Benchmarks.Modes;

// dotnet run -c Release --project tests/Benchmarks                    the ladder, into tests/Benchmarks/results
// dotnet run -c Release --project tests/Benchmarks -- --filter '*Router*'
// dotnet run -c Release --project tests/Benchmarks -- turns           every rung once, short
// dotnet run -c Release --project tests/Benchmarks -- compare DLL [PAIRS]   this build against another one, in turn
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
    case ["turns"]:
        LadderTurns.Run();
        break;
    case ["compare", string other]:
        BuildComparison.Run(Path.GetFullPath(other), 15);
        break;
    case ["compare", string other, string pairs]:
        BuildComparison.Run(Path.GetFullPath(other), int.Parse(pairs, System.Globalization.CultureInfo.InvariantCulture));
        break;
    default:
        BenchmarkSwitcher.FromTypes([typeof(OverheadLadder)]).Run(args.Length > 0 ? args : ["--filter", "*"], new LadderConfig());
        break;
}

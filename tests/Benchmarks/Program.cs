using BenchmarkDotNet.Running;
using Troupe.Benchmarks.Ladder;

// dotnet run -c Release --project tests/Benchmarks            the ladder, into tests/Benchmarks/results
// dotnet run -c Release --project tests/Benchmarks -- --filter '*Router*'
BenchmarkSwitcher.FromTypes([typeof(OverheadLadder)]).Run(args.Length > 0 ? args : ["--filter", "*"], new LadderConfig());

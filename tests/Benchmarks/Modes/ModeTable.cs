using System.Diagnostics;
using System.Globalization;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Modes;

/// <summary>What each mode costs or saves against a plain forward, through a leased lane on an emulated device: tensors in host memory, one
/// call at a time.</summary>
/// <remarks>
/// Modes take turns in random order, a short batch each, and a ratio is that of two batches of one round: so what else the machine does
/// falls on all of them alike. BenchmarkDotNet measures
/// one case after the other, which a shared machine does not hold still for.
/// </remarks>
internal static class ModeTable
{
    private const int Rounds = 600;
    private const int WarmUps = 30;
    private static readonly TimeSpan Batch = TimeSpan.FromMicroseconds(300);

    private static readonly (string Name, ModeSettings Settings)[] Modes =
    [
        ("plain", ModeSettings.Default),
        ("graphs per segment", ModeSettings.Default with { CudaGraphs = CudaGraphsMode.PerSegment }),
        ("graphs whole module", ModeSettings.Default with { CudaGraphs = CudaGraphsMode.WholeModule }),
        ("pre-allocated outputs", ModeSettings.Default with { PreAllocatedOutputs = true }),
        (
            "graphs whole module + pre-allocated",
            ModeSettings.Default with
            {
                CudaGraphs = CudaGraphsMode.WholeModule,
                PreAllocatedOutputs = true,
            }
        ),
        ("output allocator", ModeSettings.Default with { OutputAllocator = true }),
        ("dynamic workspace", ModeSettings.Default with { Workspace = WorkspaceStrategy.Dynamic }),
        ("50 % weight budget", ModeSettings.Default with { WeightBudget = WeightBudget.OfFraction(0.5) }),
        ("multi-device safe mode", ModeSettings.Default with { MultiDeviceSafe = true }),
        ("auto profile (plain: pinned)", ModeSettings.Default with { Profile = ProfileChoice.Auto }),
        ("profiling (trex)", ModeSettings.Default with { Profiling = ProfilingFormat.Trex }),
    ];

    private static int Profiling => Modes.Length - 1;

    public static void Run()
    {
        Console.WriteLine("| mode | module | ratio to plain, median | quartiles | fastest | allocated |");
        Console.WriteLine("|---|---|---:|---:|---:|---:|");
        Measure("tiny", ModeModules.Tiny);
        Measure("fashion", ModeModules.Classifier);
    }

    /// <summary>Hands over a call per mode, but for profiling, which writes files.</summary>
    public static void WithRungs(
        string module,
        Func<ModuleFolder, (string Path, Tensor Input)> write,
        Action<string, IReadOnlyList<(string Name, Action Call)>> measure
    )
    {
        using var folder = new ModuleFolder();
        (string path, Tensor input) = write(folder);
        using Platform platform = Platform.OpenEmulated(new EmulatedDevices());
        ModeRung[] rungs =
        [
            .. Modes
                .Take(Profiling)
                .Select(mode => new ModeRung(platform, path, input, mode.Settings, Path.Combine(folder.Path, "profiles"))),
        ];
        measure(module, [.. rungs.Select((rung, index) => (Modes[index].Name, (Action)(() => rung.Run())))]);
        Array.ForEach(rungs, rung => rung.Dispose());
    }

    private static void Measure(string module, Func<ModuleFolder, (string Path, Tensor Input)> write)
    {
        using var folder = new ModuleFolder();
        (string path, Tensor input) = write(folder);
        using Platform platform = Platform.OpenEmulated(new EmulatedDevices());
        ModeRung[] rungs =
        [
            .. Modes.Select(mode => new ModeRung(platform, path, input, mode.Settings, Path.Combine(folder.Path, "profiles"))),
        ];
        double[,] times = new double[rungs.Length, Rounds];
        long[] bytes = new long[rungs.Length];
        int calls = Calls(rungs[0]);
        int[] order = [.. Enumerable.Range(0, rungs.Length - 1)];
        var random = new Random(1);
        for (int round = -WarmUps; round < Rounds; round++)
        {
            random.Shuffle(order);
            foreach (int mode in order)
            {
                Turn(mode, Math.Max(round, 0), calls);
            }
        }

        // A profile is written after every forward, which leaves neither caches nor disk as they were: it comes last, one forward a batch.
        for (int round = 0; round < WarmUps; round++)
        {
            Turn(Profiling, round, 1);
        }

        for (int mode = 0; mode < rungs.Length; mode++)
        {
            Print(module, mode, times, bytes[mode], mode == Profiling ? WarmUps : Rounds);
        }

        Array.ForEach(rungs, rung => rung.Dispose());

        void Turn(int mode, int round, int batch)
        {
            rungs[mode].Run();
            long before = GC.GetAllocatedBytesForCurrentThread();
            times[mode, round] = Time(rungs[mode], batch);
            bytes[mode] = (GC.GetAllocatedBytesForCurrentThread() - before) / batch;
        }
    }

    private static int Calls(ModeRung plain)
    {
        double fastest = Enumerable.Range(0, 50).Min(_ => Time(plain, 20));
        return Math.Max(1, (int)(Batch.TotalMicroseconds / fastest));
    }

    /// <summary>Microseconds per call.</summary>
    private static double Time(ModeRung rung, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int call = 0; call < calls; call++)
        {
            rung.Run();
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / calls;
    }

    private static void Print(string module, int mode, double[,] times, long bytes, int rounds)
    {
        double[] ratios = [.. Enumerable.Range(0, rounds).Select(round => times[mode, round] / times[0, round]).Order()];
        double fastest = Enumerable.Range(0, rounds).Min(round => times[mode, round]);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {Modes[mode].Name} | {module} | {ratios[rounds / 2]:0.00} | {ratios[rounds / 4]:0.00} to {ratios[3 * rounds / 4]:0.00} | {fastest:0.00} µs | {bytes} B |"
            )
        );
    }
}

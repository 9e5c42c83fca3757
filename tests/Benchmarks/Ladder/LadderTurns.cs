using System.Diagnostics;
using System.Globalization;
using Troupe.Benchmarks.Modes;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Ladder;

/// <summary>Every rung of the ladder and every mode in one short process, short batches that take turns; one line a rung, for a comparison
/// of
/// two builds (<see cref="BuildComparison"/>).</summary>
internal static class LadderTurns
{
    private const int Rounds = 250;
    private static readonly TimeSpan WarmUp = TimeSpan.FromMilliseconds(2500);
    private static readonly TimeSpan Batch = TimeSpan.FromMicroseconds(400);

    /// <summary>Prints <c>MODEL/RUNG MICROSECONDS BYTES</c>: the median batch, and the managed bytes a call allocates on the calling
    /// thread.</summary>
    public static void Run()
    {
        using var folder = new ModuleFolder();
        foreach (LadderModel model in (LadderModel[])[LadderModel.Add4(folder), LadderModel.Classifier()])
        {
            using var raw = new RawRung(model);
            using var lane = new LaneRung(model);
            using NodeRung node = NodeRung.Open(model);
            using HttpRung http = HttpRung.Open(node, model);
            Measure(
                model.Name,
                [
                    ("raw", raw.Run),
                    ("lane", lane.RunOnDevice),
                    ("host-lane", () => lane.RunOnHost()),
                    ("router", node.Run),
                    ("http", http.Run),
                ]
            );
        }

        ModeTable.WithRungs("tiny", ModeModules.Tiny, Measure);
        ModeTable.WithRungs("fashion", ModeModules.Classifier, Measure);
    }

    private static void Measure(string model, IReadOnlyList<(string Name, Action Call)> rungs)
    {
        int[] calls = new int[rungs.Count];
        long[] bytes = new long[rungs.Count];
        double[][] times = [.. rungs.Select(_ => new double[Rounds])];
        for (int rung = 0; rung < rungs.Count; rung++)
        {
            long begun = Stopwatch.GetTimestamp();
            while (Stopwatch.GetElapsedTime(begun) < WarmUp)
            {
                rungs[rung].Call();
            }

            calls[rung] = Math.Max(1, (int)(Batch.TotalMicroseconds / Enumerable.Range(0, 20).Min(_ => Time(rungs[rung].Call, 10))));
        }

        int[] order = [.. Enumerable.Range(0, rungs.Count)];
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            random.Shuffle(order);
            foreach (int rung in order)
            {
                rungs[rung].Call();
                long before = GC.GetAllocatedBytesForCurrentThread();
                times[rung][round] = Time(rungs[rung].Call, calls[rung]);
                bytes[rung] = (GC.GetAllocatedBytesForCurrentThread() - before) / calls[rung];
            }
        }

        for (int rung = 0; rung < rungs.Count; rung++)
        {
            Array.Sort(times[rung]);
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{model}/{rungs[rung].Name.Replace(' ', '-')} {times[rung][Rounds / 2]:0.000} {bytes[rung]}"
                )
            );
        }
    }

    /// <summary>Microseconds per call.</summary>
    private static double Time(Action call, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            call();
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds / calls;
    }
}

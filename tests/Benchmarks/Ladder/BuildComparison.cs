using System.Diagnostics;
using System.Globalization;

namespace Troupe.Benchmarks.Ladder;

/// <summary>Compares this build with another one, process by process in turn: the median of the ratios of pairs, which a machine that
/// drifts
/// does not bend.</summary>
internal static class BuildComparison
{
    /// <param name="other">Path of the other build's <c>Troupe.Benchmarks.dll</c>.</param>
    public static void Run(string other, int pairs)
    {
        Dictionary<string, List<(double Ratio, long Bytes, long OtherBytes)>> found = [];
        for (int pair = 0; pair < pairs; pair++)
        {
            // Who begins changes with every pair: the second of two runs finds warmer caches.
            Dictionary<string, (double Micros, long Bytes)> theirs = pair % 2 == 0 ? Turns(other) : [];
            Dictionary<string, (double Micros, long Bytes)> ours = Turns(typeof(BuildComparison).Assembly.Location);
            theirs = pair % 2 == 0 ? theirs : Turns(other);
            foreach ((string rung, (double micros, long bytes)) in ours.Where(rung => theirs.ContainsKey(rung.Key)))
            {
                if (!found.TryGetValue(rung, out List<(double, long, long)>? ratios))
                {
                    found[rung] = ratios = [];
                }

                ratios.Add((micros / theirs[rung].Micros, bytes, theirs[rung].Bytes));
            }

            Console.Error.WriteLine($"pair {pair + 1} of {pairs}");
        }

        Console.WriteLine("| rung | median ratio to the other build | quartiles | bytes per call | other |");
        Console.WriteLine("|---|---:|---:|---:|---:|");
        foreach ((string rung, List<(double Ratio, long Bytes, long OtherBytes)> pairsOf) in found)
        {
            double[] ratios = [.. pairsOf.Select(pair => pair.Ratio).Order()];
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {rung} | {ratios[ratios.Length / 2]:0.000} | {ratios[ratios.Length / 4]:0.000} to {ratios[ratios.Length * 3 / 4]:0.000} | {pairsOf[^1].Bytes} | {pairsOf[^1].OtherBytes} |"
                )
            );
        }
    }

    private static Dictionary<string, (double Micros, long Bytes)> Turns(string assembly)
    {
        using Process run = Process.Start(
            new ProcessStartInfo("dotnet", [assembly, "turns"])
            {
                RedirectStandardOutput = true,
                WorkingDirectory = Path.GetDirectoryName(assembly)!,
            }
        )!;
        string text = run.StandardOutput.ReadToEnd();
        run.WaitForExit();
        return run.ExitCode == 0
            ? text.Split('\n')
                .Select(line => line.Split(' '))
                .Where(parts => parts.Length == 3)
                .ToDictionary(
                    parts => parts[0],
                    parts => (double.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture))
                )
            : throw new InvalidOperationException($"'dotnet {assembly} turns' ended with {run.ExitCode}.");
    }
}

using System.Globalization;

namespace Troupe.Hosting.Metrics;

/// <summary>What Linux tells of the machine's processors and memory, read from the text of <c>/proc/stat</c> and
/// <c>/proc/meminfo</c>.</summary>
/// <param name="BusyTicks">Of all processors together since the machine was started.</param>
/// <param name="Ticks">Busy or idle.</param>
internal readonly record struct MachineLoad(long BusyTicks, long Ticks, long MemoryBytes, long MemoryUsedBytes)
{
    /// <summary>Columns of a processor's line that stand beside each other: user, nice, system, idle, iowait, irq, softirq and steal. What
    /// guests took is in user's.</summary>
    private const int Columns = 8;

    /// <returns>Null where the texts say something else.</returns>
    public static MachineLoad? Parse(string stat, string memory)
    {
        string[] processors = Line(stat, "cpu").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (processors.Length < Columns || Kibibytes(memory, "MemTotal:") is not { } total)
        {
            return null;
        }

        Span<long> ticks = stackalloc long[Columns];
        long sum = 0;
        for (int column = 0; column < Columns; column++)
        {
            if (!long.TryParse(processors[column], NumberStyles.None, CultureInfo.InvariantCulture, out ticks[column]))
            {
                return null;
            }

            sum += ticks[column];
        }

        long available = Kibibytes(memory, "MemAvailable:") ?? Kibibytes(memory, "MemFree:") ?? 0;
        return new MachineLoad(sum - ticks[3] - ticks[4], sum, total << 10, (total - available) << 10);
    }

    /// <summary>The part of the time since an earlier reading in which processors were busy, from 0 to 1; null where no time went
    /// by.</summary>
    public double? UtilizationSince(in MachineLoad earlier) =>
        Ticks > earlier.Ticks ? Math.Clamp((BusyTicks - earlier.BusyTicks) / (double)(Ticks - earlier.Ticks), 0, 1) : null;

    private static long? Kibibytes(string memory, string name) =>
        Line(memory, name).Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var number, ..]
        && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : null;

    /// <summary>What stands behind the first word of a line; empty where there is no such line.</summary>
    private static string Line(string text, string word)
    {
        foreach (ReadOnlySpan<char> line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(word, StringComparison.Ordinal) && line.Length > word.Length && line[word.Length] == ' ')
            {
                return line[word.Length..].ToString();
            }
        }

        return "";
    }
}

using System.Globalization;

namespace Troupe.Hosting.Options;

/// <summary>Reads the amounts an operator writes with a unit: bytes and times.</summary>
internal static class Quantities
{
    public const string BytesForm = "write a whole number of bytes, or one with KiB, MiB or GiB, e.g. 64MiB";

    public const string TimeForm = "write a number with ms, s, m or h, e.g. 30s";

    private static readonly (string Unit, long Factor)[] ByteUnits =
    [
        ("KiB", 1L << 10),
        ("MiB", 1L << 20),
        ("GiB", 1L << 30),
        ("B", 1),
        ("", 1),
    ];

    private static readonly (string Unit, long Milliseconds)[] TimeUnits = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];

    /// <summary>Bytes, at least 1.</summary>
    public static bool TryParseBytes(string text, out long bytes)
    {
        foreach ((string unit, long factor) in ByteUnits)
        {
            if (
                text.EndsWith(unit, StringComparison.OrdinalIgnoreCase)
                && long.TryParse(
                    text.AsSpan(0, text.Length - unit.Length).TrimEnd(),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out long count
                )
                && count >= 1
                && count <= long.MaxValue / factor
            )
            {
                bytes = count * factor;
                return true;
            }
        }

        bytes = 0;
        return false;
    }

    /// <summary>A time of at least 0 and at most 1000 hours.</summary>
    public static bool TryParseTime(string text, out TimeSpan time)
    {
        foreach ((string unit, long milliseconds) in TimeUnits)
        {
            if (
                text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(
                    text.AsSpan(0, text.Length - unit.Length).TrimEnd(),
                    NumberStyles.AllowDecimalPoint,
                    CultureInfo.InvariantCulture,
                    out double count
                )
                && count * milliseconds <= 1000 * 3_600_000d
            )
            {
                time = TimeSpan.FromMilliseconds(count * milliseconds);
                return true;
            }
        }

        time = default;
        return false;
    }
}

using Troupe.Messages.Formatters;

namespace Troupe.Hosting.Edge;

/// <summary>The caller's trace context, where it is one: W3C has it that any other is left out, as if none had come.</summary>
internal static class TraceParent
{
    /// <summary>Version, trace, parent and flags in hexadecimal; later versions may write more behind.</summary>
    private const int Length = 55;

    private static readonly int[] Hyphens = [2, 35, 52];

    public static string? Of(string? written) =>
        written is { Length: >= Length and <= WireLimits.NameBytes } && IsOne(written) ? written : null;

    private static bool IsOne(string written)
    {
        for (int i = 0; i < Length; i++)
        {
            if (Array.IndexOf(Hyphens, i) >= 0 ? written[i] != '-' : !char.IsAsciiHexDigitLower(written[i]))
            {
                return false;
            }
        }

        return written.Length == Length || (written[Length] == '-' && System.Text.Ascii.IsValid(written));
    }
}

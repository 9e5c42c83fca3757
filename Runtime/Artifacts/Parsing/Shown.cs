using System.Text;

namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>Makes text from a file fit to stand in an error: short, and without control characters.</summary>
internal static class Shown
{
    private const int Longest = 80;

    public static string Of(string text)
    {
        var shown = new StringBuilder(Math.Min(text.Length, Longest) + 1);
        foreach (char letter in text.AsSpan(0, Math.Min(text.Length, Longest)))
        {
            shown.Append(char.IsControl(letter) || char.IsSurrogate(letter) ? '?' : letter);
        }

        return text.Length > Longest ? shown.Append('…').ToString() : shown.ToString();
    }

    /// <summary>Bytes as text, whatever they are.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Of(Encoding.UTF8.GetString(bytes[..Math.Min(bytes.Length, 4 * Longest)]));
}

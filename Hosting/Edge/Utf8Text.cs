using System.Text;

namespace Troupe.Hosting.Edge;

/// <summary>Compares UTF-8 bytes with .NET text without making a string.</summary>
internal static class Utf8Text
{
    public static bool Equals(ReadOnlySpan<byte> utf8, string text)
    {
        if (Ascii.Equals(utf8, text))
        {
            return true;
        }

        // A character takes at most three bytes: longer text is another one, and nothing is made of it.
        return utf8.Length > text.Length && utf8.Length <= 3 * text.Length && utf8.SequenceEqual(Encoding.UTF8.GetBytes(text));
    }
}

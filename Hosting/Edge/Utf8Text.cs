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

        return utf8.Length > text.Length && utf8.SequenceEqual(Encoding.UTF8.GetBytes(text));
    }
}

using System.Text;

namespace Troupe.Runtime.Modes;

/// <summary>The one way in which names of modes and their values are written, and the other ways in which they are read.</summary>
/// <remarks>Written in small letters joined by hyphens (<c>per-segment</c>). Read in any case, joined by hyphens, underscores or not at
/// all, so that JSON keys (<c>cudaGraphs</c>), request parameters (<c>cuda_graphs</c>) and C# names (<c>PerSegment</c>) mean the
/// same.</remarks>
public static class ModeSpelling
{
    /// <summary>The one spelling of a C# name.</summary>
    public static string Of(string name)
    {
        var text = new StringBuilder(name.Length + 4);
        foreach (char letter in name)
        {
            if (char.IsUpper(letter) && text.Length > 0)
            {
                text.Append('-');
            }

            text.Append(char.ToLowerInvariant(letter));
        }

        return text.ToString();
    }

    /// <summary>Whether two spellings are of one word.</summary>
    public static bool AreSame(string left, string right) => string.Equals(Key(left), Key(right), StringComparison.Ordinal);

    /// <summary>What all spellings of a word have in common.</summary>
    public static string Key(string spelling) =>
        string.Concat(spelling.Where(letter => letter is not ('-' or '_')).Select(char.ToLowerInvariant));
}

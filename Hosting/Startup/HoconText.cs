using System.Buffers;

namespace Troupe.Hosting.Startup;

/// <summary>Finds what Akka's parser passes over in silence: text, objects and lists of a HOCON file that are not closed, or closed without
/// having been opened.</summary>
internal static class HoconText
{
    private const string Triple = "\"\"\"";

    private static readonly SearchValues<char> Marks = SearchValues.Create("\"#/{}[]");

    /// <summary>One line that names the place; null where all is closed.</summary>
    public static string? Problem(string text)
    {
        Stack<int> open = new();
        for (int at = 0, next; (next = text.AsSpan(at).IndexOfAny(Marks)) >= 0; )
        {
            at += next;
            switch (text[at])
            {
                case '"':
                    int end = EndOfText(text, at);
                    if (end < 0)
                    {
                        return $"the text that begins in line {Line(text, at)} is not closed";
                    }

                    at = end;
                    break;
                case '#':
                case '/' when text.AsSpan(at).StartsWith("//"):
                    at = text.IndexOf('\n', at);
                    at = at < 0 ? text.Length : at;
                    break;
                case '{' or '[':
                    open.Push(at++);
                    break;
                case '}' or ']':
                    if (!open.TryPop(out int opened) || text[opened] != (text[at] == '}' ? '{' : '['))
                    {
                        return $"'{text[at]}' in line {Line(text, at)} closes nothing";
                    }

                    at++;
                    break;
                default:
                    at++;
                    break;
            }
        }

        return open.TryPeek(out int unclosed) ? $"'{text[unclosed]}' in line {Line(text, unclosed)} is not closed" : null;
    }

    /// <summary>Behind the text that begins here; -1 where it does not end.</summary>
    private static int EndOfText(string text, int start)
    {
        if (text.AsSpan(start).StartsWith(Triple))
        {
            int close = text.IndexOf(Triple, start + Triple.Length, StringComparison.Ordinal);
            return close < 0 ? -1 : close + Triple.Length;
        }

        for (int at = start + 1; at < text.Length && text[at] != '\n'; at++)
        {
            if (text[at] == '"')
            {
                return at + 1;
            }

            at += text[at] == '\\' ? 1 : 0;
        }

        return -1;
    }

    private static int Line(string text, int at) => 1 + text.AsSpan(0, at).Count('\n');
}

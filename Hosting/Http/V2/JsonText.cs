using System.Buffers;
using System.Globalization;
using System.Text;

namespace Troupe.Hosting.Http.V2;

/// <summary>Writes the JSON of answers: strings whose bytes pass through unchanged, and integers.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> Escaped = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(control => (byte)control),
        (byte)'"',
        (byte)'\\',
    ]);

    /// <summary>Quoted; control characters, quotes and backslashes escaped, all other bytes as they are.</summary>
    public static void WriteString(ResponseBody target, ReadOnlySpan<byte> text)
    {
        target.Write("\""u8);
        for (int stop; (stop = text.IndexOfAny(Escaped)) >= 0; text = text[(stop + 1)..])
        {
            target.Write(text[..stop]);
            WriteEscape(target, text[stop]);
        }

        target.Write(text);
        target.Write("\""u8);
    }

    public static void WriteString(ResponseBody target, string text)
    {
        if (text.Length > 256)
        {
            WriteString(target, Encoding.UTF8.GetBytes(text));
            return;
        }

        Span<byte> bytes = stackalloc byte[256 * 3];
        WriteString(target, bytes[..Encoding.UTF8.GetBytes(text, bytes)]);
    }

    public static void WriteInteger(ResponseBody target, long value)
    {
        value.TryFormat(target.GetSpan(20), out int written, default, CultureInfo.InvariantCulture);
        target.Advance(written);
    }

    private static void WriteEscape(ResponseBody target, byte value)
    {
        switch (value)
        {
            case (byte)'"':
                target.Write("\\\""u8);
                break;
            case (byte)'\\':
                target.Write("\\\\"u8);
                break;
            case (byte)'\n':
                target.Write("\\n"u8);
                break;
            case (byte)'\r':
                target.Write("\\r"u8);
                break;
            case (byte)'\t':
                target.Write("\\t"u8);
                break;
            default:
                target.Write("\\u00"u8);
                target.Write("0123456789ABCDEF"u8.Slice(value >> 4, 1));
                target.Write("0123456789ABCDEF"u8.Slice(value & 15, 1));
                break;
        }
    }
}

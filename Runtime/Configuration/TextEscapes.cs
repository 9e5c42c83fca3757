using System.Buffers;
using System.Text;

namespace Troupe.Runtime.Configuration;

/// <summary>What the text format writes between quotes, as bytes.</summary>
internal static class TextEscapes
{
    /// <summary>Appends what a quoted piece stands for.</summary>
    /// <param name="piece">Without its quotes.</param>
    /// <returns>Where in the piece something is wrong; null where it was appended.</returns>
    public static (int At, string Problem)? Append(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> piece)
    {
        int at = 0;
        while (at < piece.Length)
        {
            int escape = piece[at..].IndexOf((byte)'\\');
            int plain = escape < 0 ? piece.Length - at : escape;
            to.Write(piece.Slice(at, plain));
            at += plain;
            if (escape >= 0 && AppendEscape(to, piece, ref at) is { } problem)
            {
                return (at, problem);
            }
        }

        return null;
    }

    private static string? AppendEscape(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> piece, ref int at)
    {
        ReadOnlySpan<byte> rest = piece[(at + 1)..];
        byte simple = rest[0] switch
        {
            (byte)'a' => 0x07,
            (byte)'b' => 0x08,
            (byte)'f' => 0x0C,
            (byte)'n' => 0x0A,
            (byte)'r' => 0x0D,
            (byte)'t' => 0x09,
            (byte)'v' => 0x0B,
            (byte)'?' or (byte)'\\' or (byte)'\'' or (byte)'"' => rest[0],
            _ => 0,
        };
        if (simple != 0)
        {
            to.Write([simple]);
            at += 2;
            return null;
        }

        (int skip, int most, int radix) = rest[0] switch
        {
            (byte)'x' or (byte)'X' => (1, 2, 16),
            (byte)'u' => (1, 4, 16),
            (byte)'U' => (1, 8, 16),
            _ => (0, 3, 8),
        };
        bool isRune = rest[0] is (byte)'u' or (byte)'U';
        int digits = 0;
        uint value = 0;
        while (digits < most && skip + digits < rest.Length && Digit(rest[skip + digits]) is var digit && digit < radix)
        {
            value = (value * (uint)radix) + (uint)digit;
            digits++;
        }

        if (digits == 0 || (isRune && (digits < most || !Rune.IsValid(value))) || (!isRune && value > byte.MaxValue))
        {
            return $"'\\{ConfigurationText.Shown(rest[..1])}' begins no escape that is known: write \\\\ for a backslash, \\xHH, \\OOO or \\uHHHH for a character.";
        }

        if (isRune)
        {
            Span<byte> utf8 = stackalloc byte[4];
            to.Write(utf8[..new Rune(value).EncodeToUtf8(utf8)]);
        }
        else
        {
            to.Write([(byte)value]);
        }

        at += 1 + skip + digits;
        return null;
    }

    /// <summary>A digit's value; one beyond every radix where it is none.</summary>
    private static int Digit(byte one) =>
        one is >= (byte)'0' and <= (byte)'9' ? one - '0'
        : (one | 0x20) is >= 'a' and <= 'f' ? (one | 0x20) - 'a' + 10
        : int.MaxValue;
}

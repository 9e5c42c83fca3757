using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Troupe.Hosting.Http.V2;

/// <content>The values that have text: strings with their escapes, numbers, flags.</content>
internal ref partial struct JsonCursor
{
    private static readonly SearchValues<byte> StringStops = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(control => (byte)control),
        (byte)'"',
        (byte)'\\',
    ]);

    public string ReadString()
    {
        ReadOnlySpan<byte> raw = ReadRawString(out bool escaped);
        return Text(raw, escaped);
    }

    /// <summary>A string that was met before, as text.</summary>
    public readonly string Text(ReadOnlySpan<byte> raw, bool escaped)
    {
        if (!escaped)
        {
            return Encoding.UTF8.GetString(raw);
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(raw.Length);
        string text = Encoding.UTF8.GetString(buffer.AsSpan(0, Unescape(raw, buffer)));
        ArrayPool<byte>.Shared.Return(buffer);
        return text;
    }

    /// <summary>The bytes between the quotes, as they stand.</summary>
    public ReadOnlySpan<byte> ReadRawString(out bool escaped)
    {
        Peek();
        int start = ++Position;
        escaped = false;
        while (true)
        {
            int stop = _text[Position..].IndexOfAny(StringStops);
            if (stop < 0)
            {
                throw Malformed("missing a closing quotation mark in string");
            }

            Position += stop;
            switch (_text[Position])
            {
                case (byte)'"':
                    return _text[start..Position++];
                case (byte)'\\':
                    escaped = true;
                    Position += EscapeLength();
                    break;
                default:
                    throw Malformed("invalid control character in string");
            }
        }
    }

    /// <summary>The number's text, or <c>NaN</c>, <c>Infinity</c>, <c>-Infinity</c>.</summary>
    public ReadOnlySpan<byte> ReadNumber()
    {
        SkipSpace();
        int start = Position;
        Consume((byte)'-');
        if (ConsumeLiteral("NaN"u8) || ConsumeLiteral("Infinity"u8) || ConsumeLiteral("Inf"u8))
        {
            return _text[start..Position];
        }

        if (!Consume((byte)'0') && ConsumeDigits() == 0)
        {
            throw Malformed("invalid value");
        }

        if (Consume((byte)'.') && ConsumeDigits() == 0)
        {
            throw Malformed("missing fraction part in number");
        }

        if (Consume((byte)'e') || Consume((byte)'E'))
        {
            _ = Consume((byte)'+') || Consume((byte)'-');
            if (ConsumeDigits() == 0)
            {
                throw Malformed("missing exponent in number");
            }
        }

        return _text[start..Position];
    }

    /// <summary>Value of a number's text; overflow is an error, as in RapidJSON.</summary>
    public readonly double ToDouble(ReadOnlySpan<byte> number)
    {
        if (JsonNumber.TryExact(number, out double exact))
        {
            return exact;
        }

        if (number.ContainsAny((byte)'N', (byte)'I'))
        {
            return number.EndsWith("NaN"u8) ? double.NaN
                : number[0] == (byte)'-' ? double.NegativeInfinity
                : double.PositiveInfinity;
        }

        return Utf8Parser.TryParse(number, out double value, out _) && double.IsFinite(value)
            ? value
            : throw Malformed("number too big to be stored in double");
    }

    public bool ReadBoolean()
    {
        JsonKind kind = Peek();
        SkipValue();
        return kind == JsonKind.True;
    }

    /// <summary>Writes what <paramref name="raw"/> stands for into <paramref name="target"/>, at least as long, and returns how many bytes
    /// that are.</summary>
    public readonly int Unescape(ReadOnlySpan<byte> raw, Span<byte> target)
    {
        int written = 0;
        while (true)
        {
            int escape = raw.IndexOf((byte)'\\');
            ReadOnlySpan<byte> plain = escape < 0 ? raw : raw[..escape];
            plain.CopyTo(target[written..]);
            written += plain.Length;
            if (escape < 0)
            {
                return written;
            }

            raw = raw[(escape + 1)..];
            byte kind = raw[0];
            raw = raw[1..];
            if (kind != (byte)'u')
            {
                target[written++] = kind switch
                {
                    (byte)'b' => 8,
                    (byte)'f' => 12,
                    (byte)'n' => 10,
                    (byte)'r' => 13,
                    (byte)'t' => 9,
                    _ => kind,
                };
                continue;
            }

            int unit = HexUnit(raw);
            raw = raw[4..];
            if (char.IsHighSurrogate((char)unit) && raw.StartsWith("\\u"u8) && char.IsLowSurrogate((char)HexUnit(raw[2..])))
            {
                written += new Rune((char)unit, (char)HexUnit(raw[2..])).EncodeToUtf8(target[written..]);
                raw = raw[6..];
            }
            else
            {
                written += Rune.TryCreate(unit, out Rune rune)
                    ? rune.EncodeToUtf8(target[written..])
                    : throw Malformed("the surrogate pair in string is invalid");
            }
        }
    }

    private readonly int HexUnit(ReadOnlySpan<byte> digits) =>
        digits.Length >= 4 && Utf8Parser.TryParse(digits[..4], out ushort unit, out int used, 'X') && used == 4
            ? unit
            : throw Malformed("incorrect hex digit after \\u escape in string");

    private readonly int EscapeLength()
    {
        ReadOnlySpan<byte> rest = _text[(Position + 1)..];
        if (rest.IsEmpty || !"\"\\/bfnrtu"u8.Contains(rest[0]))
        {
            throw Malformed("invalid escape character in string");
        }

        if (rest[0] != (byte)'u')
        {
            return 2;
        }

        HexUnit(rest[1..]);
        return 6;
    }

    private int ConsumeDigits()
    {
        int start = Position;
        while (Position < _text.Length && _text[Position] is >= (byte)'0' and <= (byte)'9')
        {
            Position++;
        }

        return Position - start;
    }
}

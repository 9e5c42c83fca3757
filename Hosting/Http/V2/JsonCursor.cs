using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Troupe.Hosting.Http.V2;

internal enum JsonKind
{
    Object,
    Array,
    String,
    Number,
    True,
    False,
    Null,
}

/// <summary>Walks JSON text in place, as RapidJSON reads it for Triton.</summary>
/// <remarks>
/// <c>System.Text.Json</c> is stricter than the protocol: here the bare literals <c>NaN</c> and <c>Infinity</c> are numbers, a byte order
/// mark is
/// skipped, the text ends at a NUL byte, and invalid UTF-8 inside strings passes through. Comments, trailing commas and trailing text are
/// refused.
/// </remarks>
internal ref struct JsonCursor
{
    private const int MaxDepth = 64;
    private static readonly SearchValues<byte> StringStops = SearchValues.Create([
        .. Enumerable.Range(0, 0x20).Select(control => (byte)control),
        (byte)'"',
        (byte)'\\',
    ]);

    private readonly ReadOnlySpan<byte> _text;
    private int _depth;

    public JsonCursor(ReadOnlySpan<byte> text)
    {
        int end = text.IndexOf((byte)0);
        _text = end >= 0 ? text[..end] : text;
        Position = _text.StartsWith("\uFEFF"u8) ? 3 : 0;
    }

    /// <summary>Offset of the next byte; may be set back to the start of a value met before.</summary>
    public int Position { get; set; }

    /// <summary>Kind of the value that comes next.</summary>
    public JsonKind Peek()
    {
        SkipSpace();
        return Position >= _text.Length
            ? throw Malformed("a value is missing")
            : _text[Position] switch
            {
                (byte)'{' => JsonKind.Object,
                (byte)'[' => JsonKind.Array,
                (byte)'"' => JsonKind.String,
                (byte)'t' => JsonKind.True,
                (byte)'f' => JsonKind.False,
                (byte)'n' => JsonKind.Null,
                (byte)'-' or (>= (byte)'0' and <= (byte)'9') or (byte)'N' or (byte)'I' => JsonKind.Number,
                _ => throw Malformed("invalid value"),
            };
    }

    public void EnterObject() => Enter((byte)'{');

    public void EnterArray() => Enter((byte)'[');

    /// <summary>Moves to the next member and takes its name, unescaped; false at the object's end, which is consumed.</summary>
    public bool NextMember(bool first, out string name)
    {
        name = "";
        if (!NextItem(first, (byte)'}'))
        {
            return false;
        }

        if (Peek() != JsonKind.String)
        {
            throw Malformed("missing a name for an object member");
        }

        ReadOnlySpan<byte> raw = ReadRawString(out bool escaped);
        name = escaped ? Text(raw, escaped) : KnownNames.Member(raw) ?? Text(raw, escaped);
        Expect((byte)':', "missing a colon after a name of an object member");
        return true;
    }

    /// <summary>Moves to the next element; false at the array's end, which is consumed.</summary>
    public bool NextElement(bool first) => NextItem(first, (byte)']');

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
        Take((byte)'-');
        if (TakeLiteral("NaN"u8) || TakeLiteral("Infinity"u8) || TakeLiteral("Inf"u8))
        {
            return _text[start..Position];
        }

        if (!Take((byte)'0') && TakeDigits() == 0)
        {
            throw Malformed("invalid value");
        }

        if (Take((byte)'.') && TakeDigits() == 0)
        {
            throw Malformed("missing fraction part in number");
        }

        if (Take((byte)'e') || Take((byte)'E'))
        {
            _ = Take((byte)'+') || Take((byte)'-');
            if (TakeDigits() == 0)
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

    /// <summary>Passes over one value, whatever it is, checking that it is well-formed.</summary>
    public void SkipValue()
    {
        switch (Peek())
        {
            case JsonKind.Object:
                EnterObject();
                for (bool first = true; NextItem(first, (byte)'}'); first = false)
                {
                    if (Peek() != JsonKind.String)
                    {
                        throw Malformed("missing a name for an object member");
                    }

                    ReadRawString(out _);
                    Expect((byte)':', "missing a colon after a name of an object member");
                    SkipValue();
                }

                break;
            case JsonKind.Array:
                EnterArray();
                for (bool first = true; NextElement(first); first = false)
                {
                    SkipValue();
                }

                break;
            case JsonKind.String:
                ReadRawString(out _);
                break;
            case JsonKind.Number:
                ReadNumber();
                break;
            case JsonKind.True:
                Literal("true"u8);
                break;
            case JsonKind.False:
                Literal("false"u8);
                break;
            case JsonKind.Null:
                Literal("null"u8);
                break;
        }
    }

    /// <summary>Only white space may follow the root value.</summary>
    public void ExpectEnd()
    {
        SkipSpace();
        if (Position < _text.Length)
        {
            throw Malformed("the document root must not be followed by other values");
        }
    }

    public readonly ProtocolException Malformed(string what) =>
        ProtocolException.Bad($"failed to parse the request JSON buffer: {what} at {Position}");

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

    private void Enter(byte open)
    {
        Expect(open, "invalid value");
        if (++_depth > MaxDepth)
        {
            throw Malformed($"more than {MaxDepth} levels of nesting");
        }
    }

    private bool NextItem(bool first, byte close)
    {
        SkipSpace();
        if (Position < _text.Length && _text[Position] == close)
        {
            Position++;
            _depth--;
            return false;
        }

        if (!first)
        {
            Expect(
                (byte)',',
                close == (byte)']' ? "missing a comma or ']' after an array element" : "missing a comma or '}' after an object member"
            );
            SkipSpace();
            if (Position < _text.Length && _text[Position] == close)
            {
                throw Malformed("a value is missing after a comma");
            }
        }

        return true;
    }

    private void Expect(byte expected, string otherwise)
    {
        SkipSpace();
        if (!Take(expected))
        {
            throw Malformed(otherwise);
        }
    }

    private bool Take(byte expected)
    {
        if (Position < _text.Length && _text[Position] == expected)
        {
            Position++;
            return true;
        }

        return false;
    }

    private int TakeDigits()
    {
        int start = Position;
        while (Position < _text.Length && _text[Position] is >= (byte)'0' and <= (byte)'9')
        {
            Position++;
        }

        return Position - start;
    }

    private bool TakeLiteral(ReadOnlySpan<byte> literal)
    {
        if (!_text[Position..].StartsWith(literal))
        {
            return false;
        }

        Position += literal.Length;
        return true;
    }

    private void Literal(ReadOnlySpan<byte> literal)
    {
        if (!TakeLiteral(literal))
        {
            throw Malformed("invalid value");
        }
    }

    private void SkipSpace()
    {
        while (Position < _text.Length && _text[Position] is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')
        {
            Position++;
        }
    }
}

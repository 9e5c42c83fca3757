namespace Troupe.Hosting.Http.V2;

/// <summary>Walks JSON text in place, as RapidJSON reads it for Triton.</summary>
/// <remarks>
/// It is long because JSON's grammar is one machine on one position.
/// <c>System.Text.Json</c> is stricter than the protocol: here the bare literals <c>NaN</c> and <c>Infinity</c> are numbers, a byte order
/// mark is skipped, the text ends at a NUL byte, and invalid UTF-8 inside strings passes through. Comments, trailing commas and trailing
/// text are
/// refused.
/// </remarks>
internal ref partial struct JsonCursor
{
    private const int MaxDepth = 64;

    /// <summary>After so many items it is asked whether anybody still waits: a power of two.</summary>
    private const int ItemsPerLook = 1 << 12;

    private readonly ReadOnlySpan<byte> _text;
    private readonly CancellationToken _stop;
    private int _depth;
    private int _items;

    /// <param name="stop">Looked at on the way: long text is not read for a caller who has gone.</param>
    public JsonCursor(ReadOnlySpan<byte> text, CancellationToken stop = default)
    {
        int end = text.IndexOf((byte)0);
        _text = end >= 0 ? text[..end] : text;
        _stop = stop;
        Position = _text.StartsWith("\uFEFF"u8) ? 3 : 0;
    }

    /// <summary>Offset of the next byte.</summary>
    public int Position { get; private set; }

    /// <summary>One that stands at a value met before, whose end need not be looked for again.</summary>
    public readonly JsonCursor At(int position)
    {
        JsonCursor cursor = this;
        (cursor.Position, cursor._depth) = (position, 0);
        return cursor;
    }

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
        if ((++_items & (ItemsPerLook - 1)) == 0)
        {
            _stop.ThrowIfCancellationRequested();
        }

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
        if (!Consume(expected))
        {
            throw Malformed(otherwise);
        }
    }

    private bool Consume(byte expected)
    {
        if (Position < _text.Length && _text[Position] == expected)
        {
            Position++;
            return true;
        }

        return false;
    }

    private bool ConsumeLiteral(ReadOnlySpan<byte> literal)
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
        if (!ConsumeLiteral(literal))
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

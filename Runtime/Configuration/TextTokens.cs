namespace Troupe.Runtime.Configuration;

/// <summary>Cuts the text format into tokens, one ahead; space and comments are passed over.</summary>
internal sealed class TextTokens
{
    private readonly ConfigurationText _text;
    private int _at;

    public TextTokens(ConfigurationText text)
    {
        _text = text;
        _at = text.Start;
        Advance();
    }

    /// <summary>The token that comes next.</summary>
    public TextToken Current { get; private set; }

    public ConfigurationText Text => _text;

    public ReadOnlySpan<byte> Bytes(TextToken token) => _text.Bytes.Span.Slice(token.Start, token.Length);

    public bool Is(char symbol) => Current.Kind == TextTokenKind.Symbol && _text.Bytes.Span[Current.Start] == symbol;

    /// <summary>Takes a symbol, where it comes next.</summary>
    public bool TryTake(char symbol)
    {
        if (!Is(symbol))
        {
            return false;
        }

        Advance();
        return true;
    }

    /// <summary>Takes the next token.</summary>
    public TextToken Take()
    {
        TextToken taken = Current;
        Advance();
        return taken;
    }

    /// <summary>The next token for an error.</summary>
    public string Shown() => Current.Kind == TextTokenKind.End ? "the end of the file" : $"'{ConfigurationText.Shown(Bytes(Current))}'";

    private void Advance()
    {
        ReadOnlySpan<byte> bytes = _text.Bytes.Span;
        PassSpace(bytes);
        if (_at == bytes.Length)
        {
            Current = new TextToken(TextTokenKind.End, _at, 0);
            return;
        }

        byte first = bytes[_at];
        TextTokenKind kind =
            IsLetter(first) ? TextTokenKind.Identifier
            : IsDigit(first) || (first == '.' && _at + 1 < bytes.Length && IsDigit(bytes[_at + 1])) ? TextTokenKind.Number
            : first is (byte)'"' or (byte)'\'' ? TextTokenKind.Text
            : TextTokenKind.Symbol;
        int end = kind switch
        {
            TextTokenKind.Identifier => EndOfWord(bytes, _at),
            TextTokenKind.Number => EndOfNumber(bytes, _at),
            TextTokenKind.Text => EndOfText(bytes, _at),
            TextTokenKind.Symbol or TextTokenKind.End => _at + 1,
        };
        Current = new TextToken(kind, _at, end - _at);
        _at = end;
    }

    private void PassSpace(ReadOnlySpan<byte> bytes)
    {
        while (_at < bytes.Length)
        {
            if (bytes[_at] == '#')
            {
                int line = bytes[_at..].IndexOf((byte)'\n');
                _at = line < 0 ? bytes.Length : _at + line + 1;
            }
            else if (bytes[_at] is (byte)' ' or >= (byte)'\t' and <= (byte)'\r')
            {
                _at++;
            }
            else
            {
                return;
            }
        }
    }

    private static int EndOfWord(ReadOnlySpan<byte> bytes, int at)
    {
        while (at < bytes.Length && (IsLetter(bytes[at]) || IsDigit(bytes[at])))
        {
            at++;
        }

        return at;
    }

    private static int EndOfNumber(ReadOnlySpan<byte> bytes, int at)
    {
        bool isHex = at + 1 < bytes.Length && bytes[at] == '0' && (bytes[at + 1] | 0x20) == 'x';
        for (; at < bytes.Length; at++)
        {
            bool isSign = !isHex && bytes[at] is (byte)'+' or (byte)'-' && (bytes[at - 1] | 0x20) == 'e';
            if (!isSign && bytes[at] != '.' && !IsLetter(bytes[at]) && !IsDigit(bytes[at]))
            {
                break;
            }
        }

        return at;
    }

    private int EndOfText(ReadOnlySpan<byte> bytes, int start)
    {
        for (int at = start + 1; at < bytes.Length && bytes[at] != '\n'; at++)
        {
            if (bytes[at] == bytes[start])
            {
                return at + 1;
            }

            // What is escaped, a quote among it, is no end.
            at += bytes[at] == '\\' ? 1 : 0;
        }

        throw _text.Fault(start, $"the text that begins here has no end: close it with {(char)bytes[start]} in its line.");
    }

    private static bool IsLetter(byte one) => (one | 0x20) is >= (byte)'a' and <= (byte)'z' || one == '_';

    private static bool IsDigit(byte one) => one is >= (byte)'0' and <= (byte)'9';
}

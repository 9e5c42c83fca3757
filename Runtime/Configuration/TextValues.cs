using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Google.Protobuf.Reflection;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Reads the values of the text format: numbers in all their spellings, texts, names of enums, booleans.</summary>
internal sealed class TextValues(TextTokens tokens, WireBuffer wire)
{
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    private readonly ArrayBufferWriter<byte> _text = new();

    /// <exception cref="ModuleLoadException">What comes next is no value of the field.</exception>
    public void Read(FieldDescriptor field)
    {
        switch (field.FieldType)
        {
            case FieldType.String:
                ReadText(field);
                break;
            case FieldType.Bool:
                ReadBoolean(field);
                break;
            case FieldType.Enum:
                ReadEnum(field);
                break;
            case FieldType.Float or FieldType.Double:
                ReadFloating(field);
                break;
            default:
                ReadInteger(field);
                break;
        }
    }

    /// <summary>Texts that follow each other are one.</summary>
    private void ReadText(FieldDescriptor field)
    {
        int start = tokens.Current.Start;
        _text.ResetWrittenCount();
        Expect(TextTokenKind.Text, field);
        while (tokens.Current.Kind == TextTokenKind.Text)
        {
            if (TextEscapes.Append(_text, tokens.Bytes(tokens.Current)[1..^1]) is { } wrong)
            {
                throw tokens.Text.Fault(tokens.Current.Start + 1 + wrong.At, wrong.Problem);
            }

            tokens.Take();
        }

        if (!Utf8.IsValid(_text.WrittenSpan))
        {
            throw tokens.Text.Fault(start, $"'{field.Name}' is no UTF-8: write the text as UTF-8.");
        }

        wire.WriteBytes(field.FieldNumber, _text.WrittenSpan);
    }

    private void ReadBoolean(FieldDescriptor field)
    {
        bool? value = Word(tokens.Current) switch
        {
            "true" or "True" or "t" => true,
            "false" or "False" or "f" => false,
            _ => null,
        };
        if (value is null && tokens.Current.Kind == TextTokenKind.Number && TryWhole(tokens.Current, out ulong number) && number <= 1)
        {
            value = number == 1;
        }

        FieldEncoding.WriteBoolean(wire, field, value ?? throw Unwanted(field));
        tokens.Take();
    }

    private void ReadEnum(FieldDescriptor field)
    {
        int start = tokens.Current.Start;
        string? problem;
        if (Word(tokens.Current) is { } name)
        {
            problem = FieldEncoding.WriteEnum(wire, field, name);
        }
        else
        {
            bool isNegative = tokens.TryTake('-');
            problem = FieldEncoding.WriteEnum(wire, field, isNegative, Whole(field));
        }

        tokens.Take();
        Refuse(start, problem);
    }

    private void ReadInteger(FieldDescriptor field)
    {
        int start = tokens.Current.Start;
        bool isNegative = tokens.TryTake('-');
        string? problem = FieldEncoding.WriteInteger(wire, field, isNegative, Whole(field));
        tokens.Take();
        Refuse(start, problem);
    }

    private void ReadFloating(FieldDescriptor field)
    {
        bool isNegative = tokens.TryTake('-');
        double? value = Word(tokens.Current)?.ToLowerInvariant() switch
        {
            "inf" or "infinity" => double.PositiveInfinity,
            "nan" => double.NaN,
            _ => null,
        };
        if (value is null && tokens.Current.Kind == TextTokenKind.Number && TryDecimal(tokens.Current, out double number))
        {
            value = number;
        }

        double magnitude = value ?? throw Unwanted(field);
        FieldEncoding.WriteFloating(wire, field, isNegative ? -magnitude : magnitude);
        tokens.Take();
    }

    /// <summary>A whole number without its sign; it is not taken yet.</summary>
    private ulong Whole(FieldDescriptor field) =>
        tokens.Current.Kind != TextTokenKind.Number || tokens.Bytes(tokens.Current).Contains((byte)'.') ? throw Unwanted(field)
        : TryWhole(tokens.Current, out ulong value) ? value
        : IsWhole(tokens.Bytes(tokens.Current)) ? throw tokens.Text.Fault(tokens.Current.Start, FieldEncoding.OutOfRange(field))
        : throw Unwanted(field);

    private bool TryWhole(TextToken token, out ulong value)
    {
        string digits = Encoding.Latin1.GetString(tokens.Bytes(token));
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            return ulong.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
        }

        return digits.Length > 1 && digits[0] == '0'
            ? TryOctal(digits, out value)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out value);
    }

    private static bool TryOctal(string digits, out ulong value)
    {
        value = 0;
        foreach (char digit in digits)
        {
            if (digit is < '0' or > '7' || value >> 61 != 0)
            {
                return false;
            }

            value = (value << 3) | (uint)(digit - '0');
        }

        return true;
    }

    /// <summary>Digits of a number that is too large, and not something else.</summary>
    private static bool IsWhole(ReadOnlySpan<byte> digits) =>
        digits.Length > 2 && (digits[1] | 0x20) == 'x'
            ? !digits[2..].ContainsAnyExcept(HexDigits)
            : !digits.ContainsAnyExceptInRange((byte)'0', digits[0] == '0' ? (byte)'7' : (byte)'9');

    /// <summary>Decimal digits alone: hexadecimal and octal ones stand for whole numbers.</summary>
    private bool TryDecimal(TextToken token, out double value)
    {
        ReadOnlySpan<byte> digits = tokens.Bytes(token);
        if (digits[^1] is (byte)'f' or (byte)'F' && !digits.StartsWith("0x"u8))
        {
            digits = digits[..^1];
        }

        return double.TryParse(
            digits,
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent,
            CultureInfo.InvariantCulture,
            out value
        );
    }

    /// <summary>An identifier; null where none comes next.</summary>
    private string? Word(TextToken token) => token.Kind == TextTokenKind.Identifier ? Encoding.ASCII.GetString(tokens.Bytes(token)) : null;

    private void Expect(TextTokenKind kind, FieldDescriptor field)
    {
        if (tokens.Current.Kind != kind)
        {
            throw Unwanted(field);
        }
    }

    private void Refuse(int at, string? problem)
    {
        if (problem is not null)
        {
            throw tokens.Text.Fault(at, problem);
        }
    }

    private ModuleLoadException Unwanted(FieldDescriptor field) =>
        tokens.Text.Fault(tokens.Current.Start, $"{FieldEncoding.Wanted(field)} Here stands {tokens.Shown()}.");
}

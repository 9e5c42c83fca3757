using System.Text;
using Google.Protobuf.Reflection;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Reads the text format of messages, as <c>config.pbtxt</c> is written, over their descriptors.</summary>
/// <remarks>In time and memory linear in the text. Recursion ends with the schema, of which no message holds itself.</remarks>
internal sealed class TextFormatReader
{
    private readonly TextTokens _tokens;
    private readonly TextValues _values;
    private readonly WireBuffer _wire = new();

    private TextFormatReader(ConfigurationText text)
    {
        _tokens = new TextTokens(text);
        _values = new TextValues(_tokens, _wire);
    }

    /// <returns>The message in its binary form.</returns>
    /// <exception cref="ModuleLoadException">The text is wrong; the message names line and column.</exception>
    public static byte[] Read(ConfigurationText text, MessageDescriptor message)
    {
        var reader = new TextFormatReader(text);
        reader.ReadFields(message, close: null);
        return reader._wire.Written.ToArray();
    }

    /// <param name="close">What ends the message; null: the end of the file.</param>
    private void ReadFields(MessageDescriptor message, char? close)
    {
        var given = new GivenFields();
        while (close is { } end ? !_tokens.TryTake(end) : _tokens.Current.Kind != TextTokenKind.End)
        {
            ReadField(message, ref given, close);
        }
    }

    private void ReadField(MessageDescriptor message, ref GivenFields given, char? close)
    {
        FieldDescriptor field = TakeName(message, ref given, close);
        bool hasColon = _tokens.TryTake(':');
        if (!hasColon && field.FieldType != FieldType.Message)
        {
            throw Fault($"after '{field.Name}' a ':' is expected, not {_tokens.Shown()}. {FieldEncoding.Wanted(field)}");
        }

        if (!_tokens.Is('['))
        {
            ReadValue(field);
        }
        else if (field.IsRepeated)
        {
            ReadList(field);
        }
        else
        {
            throw Fault($"'{field.Name}' has one value: write it without '[' and ']'.");
        }

        // Between fields stands a comma, a semicolon or nothing.
        _ = _tokens.TryTake(',') || _tokens.TryTake(';');
    }

    private FieldDescriptor TakeName(MessageDescriptor message, ref GivenFields given, char? close)
    {
        TextToken name = _tokens.Current;
        if (name.Kind != TextTokenKind.Identifier)
        {
            throw Fault(
                _tokens.Is('[') ? "extensions and 'Any' messages are no part of a configuration: name a field."
                : name.Kind == TextTokenKind.End ? $"the file ends where '{close}' is expected: close what was opened."
                : $"the name of a field is expected{(close is { } end ? $", or '{end}'" : "")}, not {_tokens.Shown()}."
            );
        }

        string text = Encoding.ASCII.GetString(_tokens.Bytes(name));
        FieldDescriptor field = message.FindFieldByName(text) ?? throw Fault(FieldEncoding.UnknownField(message, text));
        if (given.Objection(field, mayRepeat: true) is { } objection)
        {
            throw Fault(objection);
        }

        _tokens.Take();
        return field;
    }

    private void ReadList(FieldDescriptor field)
    {
        _tokens.Take();
        if (_tokens.TryTake(']'))
        {
            return;
        }

        do
        {
            ReadValue(field);
        } while (_tokens.TryTake(','));

        if (!_tokens.TryTake(']'))
        {
            throw Fault($"in the list of '{field.Name}' a ',' or ']' is expected, not {_tokens.Shown()}.");
        }
    }

    private void ReadValue(FieldDescriptor field)
    {
        if (field.FieldType != FieldType.Message)
        {
            _values.Read(field);
            return;
        }

        char close =
            _tokens.TryTake('{') ? '}'
            : _tokens.TryTake('<') ? '>'
            : throw Fault($"{FieldEncoding.Wanted(field)} Here stands {_tokens.Shown()}.");
        int start = _wire.Begin(field.FieldNumber);
        ReadFields(field.MessageType, close);
        _wire.End(start);
    }

    private ModuleLoadException Fault(string problem) => _tokens.Text.Fault(_tokens.Current.Start, problem);
}

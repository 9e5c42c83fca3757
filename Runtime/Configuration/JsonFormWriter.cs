using System.Globalization;
using System.Text.Json;
using Google.Protobuf.Reflection;

namespace Troupe.Runtime.Configuration;

/// <summary>Writes the JSON form of a message as Triton does: names as in the schema, every field but messages and members of a choice that
/// were not given, whole numbers as numbers, enums by name.</summary>
internal static class JsonFormWriter
{
    /// <param name="binary">The message in its binary form.</param>
    public static void Write(Utf8JsonWriter writer, MessageDescriptor message, ReadOnlyMemory<byte> binary)
    {
        ILookup<int, WireValue> given = WireFields.Split(binary);
        writer.WriteStartObject();
        foreach (FieldDescriptor field in message.Fields.InDeclarationOrder())
        {
            IEnumerable<WireValue> values = given[field.FieldNumber];
            if (field.IsMap)
            {
                writer.WritePropertyName(field.Name);
                WriteMap(writer, field, values);
            }
            else if (field.IsRepeated)
            {
                writer.WriteStartArray(field.Name);
                foreach (WireValue value in values.SelectMany(value => Unpacked(field, value)))
                {
                    WriteValue(writer, field, value);
                }

                writer.WriteEndArray();
            }
            else if (values.Any())
            {
                writer.WritePropertyName(field.Name);
                WriteValue(writer, field, values.Last());
            }
            else if (field.FieldType != FieldType.Message && field.RealContainingOneof is null)
            {
                writer.WritePropertyName(field.Name);
                WriteValue(writer, field, default);
            }
        }

        writer.WriteEndObject();
    }

    private static void WriteMap(Utf8JsonWriter writer, FieldDescriptor field, IEnumerable<WireValue> entries)
    {
        FieldDescriptor keys = field.MessageType.FindFieldByNumber(1),
            values = field.MessageType.FindFieldByNumber(2);
        writer.WriteStartObject();
        foreach (WireValue entry in entries)
        {
            ILookup<int, WireValue> parts = WireFields.Split(entry.Bytes);
            WireValue key = parts[1].LastOrDefault();
            if (keys.FieldType == FieldType.String)
            {
                writer.WritePropertyName(key.Bytes.Span);
            }
            else
            {
                writer.WritePropertyName(key.Bits.ToString(CultureInfo.InvariantCulture));
            }

            WriteValue(writer, values, parts[2].LastOrDefault());
        }

        writer.WriteEndObject();
    }

    private static IEnumerable<WireValue> Unpacked(FieldDescriptor field, WireValue value) =>
        field.FieldType switch
        {
            FieldType.String or FieldType.Message => [value],
            FieldType.Float => WireFields.Unpack(value.Bytes, sizeof(float)),
            FieldType.Double => WireFields.Unpack(value.Bytes, sizeof(double)),
            _ => WireFields.Unpack(value.Bytes, width: 0),
        };

    private static void WriteValue(Utf8JsonWriter writer, FieldDescriptor field, WireValue value)
    {
        switch (field.FieldType)
        {
            case FieldType.Message:
                Write(writer, field.MessageType, value.Bytes);
                break;
            case FieldType.String:
                writer.WriteStringValue(value.Bytes.Span);
                break;
            case FieldType.Bool:
                writer.WriteBooleanValue(value.Bits != 0);
                break;
            case FieldType.Enum:
                writer.WriteStringValue(field.EnumType.FindValueByNumber((int)value.Bits).Name);
                break;
            case FieldType.Float:
                WriteFloating(writer, BitConverter.UInt32BitsToSingle((uint)value.Bits));
                break;
            case FieldType.Double:
                WriteFloating(writer, BitConverter.UInt64BitsToDouble(value.Bits));
                break;
            case FieldType.UInt32 or FieldType.UInt64:
                writer.WriteNumberValue(value.Bits);
                break;
            default:
                writer.WriteNumberValue((long)value.Bits);
                break;
        }
    }

    /// <summary>JSON has no number for what is not finite.</summary>
    private static void WriteFloating(Utf8JsonWriter writer, double value)
    {
        if (double.IsFinite(value))
        {
            writer.WriteNumberValue(value);
        }
        else
        {
            writer.WriteStringValue(
                double.IsNaN(value) ? "NaN"
                : value > 0 ? "Infinity"
                : "-Infinity"
            );
        }
    }
}

using System.Collections;
using System.Reflection;
using System.Text;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Every public value of a message as text, lists and tensors' bytes included: two messages with the same text are the
/// same.</summary>
internal static class MessageText
{
    public static string Of(object? value)
    {
        StringBuilder text = new();
        Append(text, value);
        return text.ToString();
    }

    private static void Append(StringBuilder text, object? value)
    {
        switch (value)
        {
            case null:
                text.Append("nil");
                break;
            case ReadOnlyMemory<byte> bytes:
                text.Append(Convert.ToHexString(bytes.Span));
                break;
            case string or TensorShape or Guid or TimeSpan or Enum:
                text.Append(value);
                break;
            case double number:
                text.Append(BitConverter.DoubleToInt64Bits(number));
                break;
            case IEnumerable list:
                text.Append('[');
                foreach (object? item in list)
                {
                    Append(text, item);
                    text.Append(';');
                }

                text.Append(']');
                break;
            default:
                if (value.GetType().IsPrimitive)
                {
                    text.Append(value);
                    break;
                }

                text.Append(value.GetType().Name).Append('{');
                foreach (
                    PropertyInfo property in value
                        .GetType()
                        .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                        .OrderBy(one => one.Name, StringComparer.Ordinal)
                )
                {
                    text.Append(property.Name).Append('=');
                    Append(text, property.GetValue(value));
                    text.Append(' ');
                }

                text.Append('}');
                break;
        }
    }
}

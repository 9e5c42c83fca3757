using Google.Protobuf.Reflection;
using Troupe.Runtime.Configuration;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>Walks the messages of a configuration.</summary>
internal static class ConfigurationSchema
{
    /// <summary>Every message that a configuration can hold, once; entries of maps are not among them.</summary>
    public static IEnumerable<MessageDescriptor> Messages()
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        var open = new Queue<MessageDescriptor>([ModelConfig.Descriptor]);
        while (open.TryDequeue(out MessageDescriptor? message))
        {
            if (!known.Add(message.FullName))
            {
                continue;
            }

            if (!message.GetOptions().MapEntryOrFalse())
            {
                yield return message;
            }

            foreach (FieldDescriptor field in message.Fields.InDeclarationOrder().Where(field => field.FieldType == FieldType.Message))
            {
                open.Enqueue(field.MessageType);
            }
        }
    }

    private static bool MapEntryOrFalse(this MessageOptions? options) => options?.MapEntry ?? false;
}

using System.Text.Json;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Edge;

/// <summary>The answer of <c>/config</c>: Triton's ModelConfig as it would complete it for this model. Keys of features that are off are
/// left out: clients take their presence for the feature.</summary>
internal static class ModelConfiguration
{
    public static void Write(Utf8JsonWriter writer, ServedModel model)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, model.Name);
        writer.WriteString("platform"u8, model.Snapshot.Platform);
        writer.WriteString("backend"u8, model.Snapshot.Platform.Split('_')[0]);
        writer.WriteString("runtime"u8, "");
        writer.WriteStartObject("version_policy"u8);
        writer.WriteStartObject("latest"u8);
        writer.WriteNumber("num_versions"u8, 1);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteNumber("max_batch_size"u8, model.MaxBatchSize);
        WriteTensors(writer, "input"u8, model.Inputs, model.MaxBatchSize > 0, input: true);
        WriteTensors(writer, "output"u8, model.Outputs, model.MaxBatchSize > 0, input: false);
        writer.WriteStartArray("instance_group"u8);
        writer.WriteStartObject();
        writer.WriteString("name"u8, model.Name);
        writer.WriteString("kind"u8, "KIND_AUTO");
        writer.WriteNumber("count"u8, model.Devices);
        writer.WriteStartArray("gpus"u8);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteString("default_model_filename"u8, RepositoryFiles.NameFor(model.Snapshot.Platform) ?? "");
        writer.WriteStartObject("parameters"u8);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Triton's name of a type: <c>TYPE_FP32</c>, and <c>TYPE_STRING</c> for BYTES.</summary>
    private static string TypeName(ElementType type) => type == ElementType.Bytes ? "TYPE_STRING" : "TYPE_" + type.ProtocolName();

    private static void WriteTensors(
        Utf8JsonWriter writer,
        ReadOnlySpan<byte> key,
        IReadOnlyList<TensorSpec> tensors,
        bool batched,
        bool input
    )
    {
        writer.WriteStartArray(key);
        foreach (TensorSpec tensor in tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, tensor.Name);
            writer.WriteString("data_type"u8, TypeName(tensor.Type));
            if (input)
            {
                writer.WriteString("format"u8, "FORMAT_NONE");
            }

            writer.WriteStartArray("dims"u8);
            foreach (long dimension in tensor.Shape.Span[(batched && !tensor.IsOptional ? 1 : 0)..])
            {
                writer.WriteNumberValue(dimension);
            }

            writer.WriteEndArray();
            writer.WriteBoolean("is_shape_tensor"u8, false);
            if (input)
            {
                writer.WriteBoolean("allow_ragged_batch"u8, false);
                writer.WriteBoolean("optional"u8, tensor.IsOptional);
            }
            else
            {
                writer.WriteString("label_filename"u8, "");
            }

            writer.WriteBoolean("is_non_linear_format_io"u8, false);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}

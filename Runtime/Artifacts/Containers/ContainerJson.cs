using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Containers;

/// <summary>The JSON of a container: compact, arrays before scalars (upstream's small parser relies on the order), the same keys both
/// ways.</summary>
internal static class ContainerJson
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static byte[] Write(ContainerMetadata metadata)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Compact))
        {
            json.WriteStartObject();
            json.WriteStartArray("io_bindings");
            foreach (ContainerTensor tensor in metadata.Bindings)
            {
                json.WriteStartObject();
                json.WriteString("name", tensor.Name);
                json.WriteString("dtype", tensor.DataType);
                json.WriteStartArray("shape");
                foreach (long dimension in tensor.Shape)
                {
                    json.WriteNumberValue(dimension);
                }

                json.WriteEndArray();
                json.WriteBoolean("is_input", tensor.IsInput);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteStartArray("aliased_io");
            foreach (AliasSpec alias in metadata.Aliases)
            {
                json.WriteStartObject();
                json.WriteString("output", alias.Output);
                json.WriteString("input", alias.Input);
                json.WriteString("kind", AliasText.Spelling(alias.Kind));
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteBoolean("hardware_compatible", metadata.HardwareCompatible);
            json.WriteNumber("device_id", metadata.DeviceOrdinal);
            json.WriteString("serialized_metadata", metadata.SerializedMetadata);
            json.WriteString("target_platform", metadata.TargetPlatform);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    public static ContainerMetadata Read(ReadOnlyMemory<byte> bytes, string where)
    {
        using JsonDocument document = ArtifactJson.Parse(bytes, where);
        ArtifactJson root = new(document.RootElement, where);
        var warnings = new List<string>();
        var metadata = new ContainerMetadata
        {
            Bindings = [.. root.Items("io_bindings", required: true).Select(Tensor)],
            Aliases = [.. root.Items("aliased_io", required: false).Select(alias => Alias(alias, warnings))],
            HardwareCompatible = root.Flag("hardware_compatible") ?? false,
            DeviceOrdinal = root.Ordinal("device_id") ?? 0,
            SerializedMetadata = root.TextOr("serialized_metadata", ""),
            TargetPlatform = root.TextOr("target_platform", ""),
            Warnings = warnings,
        };
        Check(metadata, where);
        return metadata;
    }

    /// <summary>Names are there and unique, aliases fit them, the platform is known.</summary>
    public static void Check(ContainerMetadata metadata, string where)
    {
        var seen = new HashSet<(string, bool)>();
        foreach (ContainerTensor tensor in metadata.Bindings)
        {
            if (tensor.Name.Length == 0 || !seen.Add((tensor.Name, tensor.IsInput)))
            {
                throw ArtifactException.Corrupt(
                    where,
                    tensor.Name.Length == 0 ? "a binding has no name" : $"the binding '{Shown.Of(tensor.Name)}' stands twice"
                );
            }

            if (tensor.Shape.Any(dimension => dimension < -1))
            {
                throw ArtifactException.Corrupt(where, $"the binding '{Shown.Of(tensor.Name)}' has a dimension below -1");
            }
        }

        AliasText.Check(metadata.Aliases, Names(metadata, true), Names(metadata, false), where);
        if (metadata.TargetPlatform.Length > 0)
        {
            _ = TargetPlatforms.Parse(metadata.TargetPlatform, where);
        }
    }

    public static string[] Names(ContainerMetadata metadata, bool inputs) =>
        [.. metadata.Bindings.Where(tensor => tensor.IsInput == inputs).Select(tensor => tensor.Name)];

    private static ContainerTensor Tensor(ArtifactJson item) =>
        new(
            item.Text("name"),
            item.TextOr("dtype", ""),
            [.. item.Items("shape", required: false).Select(dimension => dimension.Number())],
            item.Flag("is_input") ?? true
        );

    private static AliasSpec Alias(ArtifactJson item, List<string> warnings) =>
        new(item.Text("output"), item.Text("input"), AliasText.Kind(item.TextOr("kind", AliasText.KvCacheUpdate), item.Where, warnings));
}

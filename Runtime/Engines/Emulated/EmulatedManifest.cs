using System.Text.Json;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>What an emulated engine has beyond its ONNX model: the abilities and needs of a TensorRT engine, as the JSON file beside the
/// model declares them.</summary>
/// <param name="Onnx">The model's file.</param>
/// <param name="Profiles">By profile, by input.</param>
/// <param name="StreamableBytes">Weights that may stay on the host.</param>
/// <param name="AutomaticBudget">What the engine takes of them when it is loaded; all of them when null.</param>
/// <param name="WorkspaceBytes">Scratch memory of a context.</param>
/// <param name="Duration">What a run takes on the virtual clock of the timed policy, and what its layers report together.</param>
/// <param name="IsRtx">Takes TensorRT-RTX's runtime settings.</param>
internal sealed record EmulatedManifest(
    string Onnx,
    IReadOnlyList<IReadOnlyDictionary<string, ProfileRange>> Profiles,
    IReadOnlyList<AliasSpec> Aliases,
    IReadOnlyList<string> ShapeTensors,
    IReadOnlyDictionary<string, IReadOnlyList<ShapeRule>> Shapes,
    long StreamableBytes,
    long? AutomaticBudget,
    long WorkspaceBytes,
    TimeSpan Duration,
    bool RequiresOutputAllocator,
    bool IsRtx
)
{
    /// <exception cref="ModuleLoadException">The text is not such a manifest; names the place.</exception>
    public static EmulatedManifest Read(ReadOnlyMemory<byte> json, string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(
                json,
                new JsonDocumentOptions { MaxDepth = 16, AllowDuplicateProperties = false }
            );
            ManifestObject root = ManifestObject.Of(document.RootElement, Path.GetFileName(path));
            var manifest = new EmulatedManifest(
                root.Text("onnx"),
                [.. (root.Array("profiles") ?? []).Select(ReadProfile)],
                [.. (root.Array("aliases") ?? []).Select(ReadAlias)],
                [.. (root.Array("shapeTensors") ?? []).Select(Name)],
                (root.Array("shapes") ?? []).Select(ReadShape).ToDictionary(StringComparer.Ordinal),
                root.Count("streamableBytes") ?? 0,
                root.Count("automaticBudget"),
                root.Count("workspaceBytes") ?? 0,
                TimeSpan.FromMicroseconds(root.Count("microseconds") ?? 0),
                root.Flag("requiresOutputAllocator") ?? false,
                root.Flag("rtx") ?? false
            );
            root.RefuseOtherKeys();
            return manifest;
        }
        catch (JsonException trouble)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{path}' is not the manifest of an emulated engine: {trouble.Message}",
                trouble
            );
        }
    }

    private static Dictionary<string, ProfileRange> ReadProfile((JsonElement Element, string Where) entry)
    {
        if (entry.Element.ValueKind != JsonValueKind.Array)
        {
            throw ManifestObject.Wrong(entry.Where, $"is {ManifestObject.Kind(entry.Element)}, not a list of inputs with min, opt and max");
        }

        var ranges = new Dictionary<string, ProfileRange>(StringComparer.Ordinal);
        foreach (JsonElement element in entry.Element.EnumerateArray())
        {
            ManifestObject input = ManifestObject.Of(element, $"{entry.Where}[{ranges.Count}]");
            var range = new ProfileRange(ReadShape(input, "min"), ReadShape(input, "opt"), ReadShape(input, "max"));
            if (
                !ranges.TryAdd(input.Text("input"), range)
                || !range.Admits(range.Min)
                || !range.Admits(range.Opt)
                || !range.Admits(range.Max)
            )
            {
                throw ManifestObject.Wrong(input.Where, "names an input twice, or its shapes do not rise from min over opt to max");
            }

            input.RefuseOtherKeys();
        }

        return ranges;
    }

    private static TensorShape ReadShape(ManifestObject entry, string key) =>
        new([
            .. entry
                .RequiredArray(key)
                .Select(dimension =>
                    dimension.Element.ValueKind == JsonValueKind.Number && dimension.Element.TryGetInt64(out long value) && value >= 0
                        ? value
                        : throw ManifestObject.Wrong(dimension.Where, $"is {ManifestObject.Kind(dimension.Element)}, not a dimension")
                ),
        ]);

    private static AliasSpec ReadAlias((JsonElement Element, string Where) entry)
    {
        ManifestObject alias = ManifestObject.Of(entry.Element, entry.Where);
        var read = new AliasSpec(alias.Text("output"), alias.Text("input"), AliasKind.KvCacheUpdate);
        alias.RefuseOtherKeys();
        return read;
    }

    private static KeyValuePair<string, IReadOnlyList<ShapeRule>> ReadShape((JsonElement Element, string Where) entry)
    {
        ManifestObject shape = ManifestObject.Of(entry.Element, entry.Where);
        string output = shape.Text("output");
        ShapeRule[] rules = [.. shape.RequiredArray("dimensions").Select(dimension => ShapeRule.Parse(Name(dimension), dimension.Where))];
        shape.RefuseOtherKeys();
        return new(output, rules);
    }

    private static string Name((JsonElement Element, string Where) entry) =>
        entry.Element.ValueKind switch
        {
            JsonValueKind.String => entry.Element.GetString()!,
            JsonValueKind.Number => entry.Element.GetRawText(),
            _ => throw ManifestObject.Wrong(entry.Where, $"is {ManifestObject.Kind(entry.Element)}, not a name or a rule"),
        };
}

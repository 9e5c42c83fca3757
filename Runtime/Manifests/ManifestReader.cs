using System.Text.Json;
using System.Text.RegularExpressions;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Manifests;

/// <summary>Reads <c>module.json</c> version 1: shape and type of every key are checked, meaning is checked when the module is read (the
/// order of its segments) and when its engines are loaded (how they are wired).</summary>
internal static partial class ManifestReader
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <exception cref="ModuleLoadException">The text is not a manifest; names the place and the fix.</exception>
    public static Manifest Read(ReadOnlyMemory<byte> json, string path)
    {
        string name = Path.GetFileName(path);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json, Options);
            return ReadRoot(ManifestObject.Of(document.RootElement, name));
        }
        catch (JsonException trouble)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"'{path}' is not a manifest: {trouble.Message}", trouble);
        }
    }

    private static Manifest ReadRoot(ManifestObject root)
    {
        int version = root.Integer("version", otherwise: 1);
        if (version != 1)
        {
            throw ManifestObject.Wrong($"{root.Where}.version", $"is {version}; this build reads version 1");
        }

        var manifest = new Manifest(
            [.. root.RequiredArray("inputs").Select(entry => ReadTensor(ManifestObject.Of(entry.Element, entry.Where)))],
            [.. root.RequiredArray("outputs").Select(entry => ReadTensor(ManifestObject.Of(entry.Element, entry.Where)))],
            [.. root.RequiredArray("segments").Select(entry => ReadSegment(ManifestObject.Of(entry.Element, entry.Where)))]
        );
        root.RefuseOtherKeys();
        return manifest;
    }

    private static ModuleTensor ReadTensor(ManifestObject entry)
    {
        string name = entry.Text("name");
        string dtype = entry.Text("dtype");
        if (!ElementTypes.TryParse(dtype, out ElementType type))
        {
            throw ManifestObject.Wrong(
                $"{entry.Where}.dtype",
                $"is '{dtype}'; known are {string.Join(", ", ElementTypes.All.Select(known => known.ProtocolName()))}"
            );
        }

        (TensorShape shape, string[] symbols) = ReadSymbolicShape(entry.RequiredArray("shape"), $"{entry.Where}.shape");
        ProfileRange? range = ReadRange(entry, shape);
        entry.RefuseOtherKeys();
        return new ModuleTensor(name, type, shape, symbols, range);
    }

    private static (TensorShape Shape, string[] Symbols) ReadSymbolicShape(List<(JsonElement Element, string Where)> entries, string where)
    {
        RefuseRank(entries.Count, where);
        long[] dimensions = new long[entries.Count];
        string[] symbols = new string[entries.Count];
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            (JsonElement element, string place) = entries[axis];
            bool symbolic = element.ValueKind == JsonValueKind.String && element.GetString() is { Length: > 0 };
            symbols[axis] = symbolic ? element.GetString()! : "";
            dimensions[axis] = symbolic ? -1 : ReadDimension(element, place, ", a symbol such as \"n\" where it is free");
        }

        return (new TensorShape(dimensions), symbols);
    }

    private static ProfileRange? ReadRange(ManifestObject entry, TensorShape shape)
    {
        TensorShape? min = ReadConcreteShape(entry, "min"),
            opt = ReadConcreteShape(entry, "opt"),
            max = ReadConcreteShape(entry, "max");
        if (min is null && opt is null && max is null)
        {
            return null;
        }

        if (min is null || max is null)
        {
            throw ManifestObject.Wrong(entry.Where, "has only some of 'min', 'opt' and 'max'; give min and max, or none");
        }

        var range = new ProfileRange(min.Value, opt ?? max.Value, max.Value);
        bool consistent =
            range.Min.Rank == shape.Rank
            && range.Max.Rank == shape.Rank
            && range.Admits(range.Min)
            && range.Admits(range.Opt)
            && range.Admits(range.Max);
        for (int axis = 0; consistent && axis < shape.Rank; axis++)
        {
            consistent = shape[axis] < 0 || (range.Min[axis] == shape[axis] && range.Max[axis] == shape[axis]);
        }

        return consistent
            ? range
            : throw ManifestObject.Wrong(
                entry.Where,
                $"has min {range.Min}, opt {range.Opt}, max {range.Max} for the shape {shape}; they must have its rank and fixed dimensions, and rise from min to max"
            );
    }

    private static TensorShape? ReadConcreteShape(ManifestObject entry, string key)
    {
        if (entry.Array(key) is not { } entries)
        {
            return null;
        }

        RefuseRank(entries.Count, $"{entry.Where}.{key}");
        return new TensorShape([.. entries.Select(dimension => ReadDimension(dimension.Element, dimension.Where, ""))]);
    }

    private static long ReadDimension(JsonElement element, string where, string alternative) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long dimension) && dimension >= 0
            ? dimension
            : throw ManifestObject.Wrong(where, $"is {ManifestObject.Kind(element)}; a dimension is a whole number from 0{alternative}");

    private static void RefuseRank(int rank, string where)
    {
        if (rank > TensorShape.MaxRank)
        {
            throw ManifestObject.Wrong(where, $"has {rank} dimensions, at most {TensorShape.MaxRank} are possible");
        }
    }

    private static ManifestSegment ReadSegment(ManifestObject entry)
    {
        string name = entry.Text("name");
        SegmentKind kind = SegmentName().Match(name) switch
        {
            { Success: true } match => match.Groups[1].ValueSpan is "acc" ? SegmentKind.Engine : SegmentKind.Fallback,
            _ => throw ManifestObject.Wrong(
                $"{entry.Where}.name",
                $"is '{name}'; an engine segment is called _run_on_acc_N, a fallback segment _run_on_gpu_N"
            ),
        };

        string backend = entry.Text("backend"),
            file = entry.Text("file");
        int device = entry.Integer("device", otherwise: 0);
        if (device < 0)
        {
            throw ManifestObject.Wrong($"{entry.Where}.device", $"is {device}; it counts from the instance's home device, which is 0");
        }

        string[] inputs = ReadNames(entry, "inputs"),
            outputs = ReadNames(entry, "outputs");
        AliasSpec[] aliases =
        [
            .. (entry.Array("aliases") ?? []).Select(alias => ReadAlias(ManifestObject.Of(alias.Element, alias.Where), inputs, outputs)),
        ];
        var segment = new ManifestSegment(
            new SegmentSpec(name, kind, backend, file, device, inputs, outputs),
            aliases,
            entry.Flag("requiresOutputAllocator") ?? false,
            entry.Flag("unownedOutputs")
        );
        entry.RefuseOtherKeys();

        // Text of torch_tensorrt; aliasing needs to know the output's shape before the run.
        if (segment.RequiresOutputAllocator && aliases.Length > 0)
        {
            throw ManifestObject.Wrong(
                entry.Where,
                $"cannot be loaded: Aliased output {aliases[0].Output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape"
            );
        }

        return segment;
    }

    private static AliasSpec ReadAlias(ManifestObject entry, string[] inputs, string[] outputs)
    {
        string output = entry.Text("output"),
            input = entry.Text("input");
        entry.RefuseOtherKeys();
        return !outputs.Contains(output)
                ? throw ManifestObject.Wrong(entry.Where, $"aliases '{output}', which is not an output of its segment")
            : !inputs.Contains(input) ? throw ManifestObject.Wrong(entry.Where, $"aliases '{input}', which is not an input of its segment")
            : new AliasSpec(output, input, AliasKind.User);
    }

    private static string[] ReadNames(ManifestObject entry, string key) =>
        [
            .. entry
                .RequiredArray(key)
                .Select(name =>
                    name.Element.ValueKind == JsonValueKind.String && name.Element.GetString() is { Length: > 0 } text
                        ? text
                        : throw ManifestObject.Wrong(name.Where, $"is {ManifestObject.Kind(name.Element)}, not the name of a tensor")
                ),
        ];

    [GeneratedRegex("^_run_on_(acc|gpu)_[0-9]+$", RegexOptions.CultureInvariant)]
    private static partial Regex SegmentName();
}

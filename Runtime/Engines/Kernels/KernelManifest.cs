using System.Text.Json;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>The file of a kernel segment, <c>{"kernel", "inputs", "output", "shape", "scalars"}</c>: which built-in kernel, under which
/// tensor names, on which shape.</summary>
/// <param name="Shape">Shape of every tensor, with the names of its free dimensions.</param>
/// <param name="Scalars">Values in the kernel's order.</param>
internal sealed record KernelManifest(
    BuiltInKernel Kernel,
    IReadOnlyList<string> Inputs,
    string Output,
    TensorShape Shape,
    IReadOnlyList<string> Symbols,
    IReadOnlyList<float> Scalars
)
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 8, AllowDuplicateProperties = false };

    /// <exception cref="ModuleLoadException">The text is not a kernel manifest; names the place and the fix.</exception>
    public static KernelManifest Read(EngineSource source, IReadOnlyDictionary<string, BuiltInKernel> kernels)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(source.Bytes, Options);
            return Read(ManifestObject.Of(document.RootElement, Path.GetFileName(source.Path)), kernels);
        }
        catch (JsonException trouble)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{source.Path}' is not a kernel manifest: {trouble.Message}",
                trouble
            );
        }
    }

    private static KernelManifest Read(ManifestObject root, IReadOnlyDictionary<string, BuiltInKernel> kernels)
    {
        string name = root.Text("kernel");
        if (!kernels.TryGetValue(name, out BuiltInKernel? kernel))
        {
            throw ManifestObject.Wrong($"{root.Where}.kernel", $"is '{name}'; known are {string.Join(", ", kernels.Keys.Order())}");
        }

        string[] inputs =
        [
            .. root.RequiredArray("inputs")
                .Select(entry =>
                    entry.Element.ValueKind == JsonValueKind.String && entry.Element.GetString() is { Length: > 0 } input
                        ? input
                        : throw ManifestObject.Wrong(entry.Where, $"is {ManifestObject.Kind(entry.Element)}, not a tensor's name")
                ),
        ];
        if (inputs.Length != kernel.InputCount)
        {
            throw ManifestObject.Wrong(
                $"{root.Where}.inputs",
                $"names {inputs.Length} tensors; the kernel '{name}' has {kernel.InputCount}"
            );
        }

        string output = root.Text("output");
        (TensorShape shape, string[] symbols) = ReadShape(root.RequiredArray("shape"), $"{root.Where}.shape");
        if (kernel.WorksOnRows && shape.Rank == 0)
        {
            throw ManifestObject.Wrong($"{root.Where}.shape", $"has no dimension; the kernel '{name}' works on the last one");
        }

        float[] scalars = ReadScalars(root, kernel);
        root.RefuseOtherKeys();
        return new KernelManifest(kernel, inputs, output, shape, symbols, scalars);
    }

    private static (TensorShape Shape, string[] Symbols) ReadShape(List<(JsonElement Element, string Where)> entries, string where)
    {
        if (entries.Count > TensorShape.MaxRank)
        {
            throw ManifestObject.Wrong(where, $"has {entries.Count} dimensions; at most {TensorShape.MaxRank} are possible");
        }

        long[] dimensions = new long[entries.Count];
        string[] symbols = new string[entries.Count];
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            (JsonElement element, string place) = entries[axis];
            symbols[axis] = element.ValueKind == JsonValueKind.String ? element.GetString() ?? "" : "";
            dimensions[axis] =
                symbols[axis].Length > 0 ? -1
                : element.ValueKind == JsonValueKind.Number && element.TryGetInt64(out long value) && value >= 0 ? value
                : throw ManifestObject.Wrong(
                    place,
                    $"is {ManifestObject.Kind(element)}; a dimension is a whole number, or a symbol such as \"n\" where it is free"
                );
        }

        return (new TensorShape(dimensions), symbols);
    }

    private static float[] ReadScalars(ManifestObject root, BuiltInKernel kernel)
    {
        List<(JsonElement Element, string Where)> given = root.Array("scalars") ?? [];
        if (given.Count != kernel.Scalars.Count)
        {
            string wanted = kernel.Scalars.Count == 0 ? "none" : string.Join(", ", kernel.Scalars);
            throw ManifestObject.Wrong($"{root.Where}.scalars", $"has {given.Count} values; the kernel '{kernel.Name}' takes {wanted}");
        }

        return
        [
            .. given.Select(entry =>
                entry.Element.ValueKind == JsonValueKind.Number && entry.Element.TryGetSingle(out float value) && float.IsFinite(value)
                    ? value
                    : throw ManifestObject.Wrong(entry.Where, $"is {ManifestObject.Kind(entry.Element)}, not a finite float32 number")
            ),
        ];
    }
}

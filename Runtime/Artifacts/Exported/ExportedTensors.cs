using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>What an exported program tells of its values: types, shapes, and bounds of the free dimensions.</summary>
internal sealed class ExportedTensors(ArtifactJson graph)
{
    private readonly Dictionary<string, ArtifactJson> _tensorValues = graph.Find("tensor_values") is { } values
        ? values.Members().ToDictionary(value => value.Name, value => value.Value, StringComparer.Ordinal)
        : [];

    /// <summary>A value; type and shape are null where the program does not tell.</summary>
    public ArtifactTensor Find(string name)
    {
        if (!_tensorValues.TryGetValue(name, out ArtifactJson meta))
        {
            return new ArtifactTensor(name, null, null, []);
        }

        ElementType? type = meta.Ordinal("dtype") is { } number ? ScalarTypes.Of(number) : null;
        var shape = new List<long>();
        var symbols = new List<string>();
        foreach (ArtifactJson size in meta.Items("sizes", required: true))
        {
            (string kind, ArtifactJson value) = size.Union();
            bool isFree = kind == "as_expr";
            shape.Add(
                isFree ? -1
                : value.Number() is >= 0 and var length ? length
                : throw value.Wrong("a size from 0")
            );
            symbols.Add(isFree ? value.Text("expr_str") : "");
        }

        return new ArtifactTensor(name, type, shape, symbols);
    }

    public static List<ArtifactRange> Ranges(ArtifactJson program) =>
        program.Find("range_constraints") is not { } ranges
            ? []
            :
            [
                .. ranges
                    .Members()
                    .Select(range => new ArtifactRange(
                        range.Name,
                        range.Value.Find("min_val")?.Number(),
                        range.Value.Find("max_val")?.Number()
                    )),
            ];
}

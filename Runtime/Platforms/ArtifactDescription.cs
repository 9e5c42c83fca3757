using System.Globalization;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Platforms;

/// <summary>Puts an artifact into words for people, always in the same order.</summary>
public sealed class ArtifactDescription
{
    private readonly List<KeyValuePair<string, string>> _lines = [];

    public static IReadOnlyList<KeyValuePair<string, string>> Of(ArtifactSpec spec)
    {
        var description = new ArtifactDescription();
        description.Add("source", spec.Source);
        description.Add("format", Name(spec.Format));
        description.Add("bytes", Text(spec.Bytes));
        description.Add("engines", Text(spec.Engines.Count));
        for (int i = 0; i < spec.Engines.Count; i++)
        {
            description.Engine($"engine[{i}]", spec.Engines[i]);
        }

        if (spec.Graph is not null)
        {
            description.Graph(spec.Graph, spec.Engines);
        }

        return description._lines;
    }

    private void Engine(string prefix, ArtifactEngine engine)
    {
        EngineRecord record = engine.Record;
        Add($"{prefix}.key", engine.Key);
        Add($"{prefix}.name", record.Name);
        Add($"{prefix}.abi", Text(record.Abi));
        BackendDescription? backend = StandardBackends.Catalogue.Recognise(record.Plan.Span);
        string kind = backend?.Name ?? (record.IsTensorRtPlan ? "TensorRT" : "not TensorRT's");
        Add($"{prefix}.plan", $"{Text(record.Plan.Length)} bytes, {kind}");
        foreach (KeyValuePair<string, string> line in backend?.Explain?.Invoke(record.Plan) ?? [])
        {
            Add($"{prefix}.{kind}.{line.Key}", line.Value);
        }

        Add(
            $"{prefix}.device",
            record.Device is not { } device
                ? "not told"
                : $"{device.Name} ({(device.Kind == DeviceStampKind.Gpu ? "GPU" : "DLA")} {Text(device.Ordinal)}, compute capability {Text(device.Major)}.{Text(device.Minor)})"
        );
        Add($"{prefix}.platform", record.PlatformText ?? "not told");
        Add($"{prefix}.hardwareCompatible", YesNo(record.HardwareCompatible));
        Add($"{prefix}.inputs", Names(record.InputNames));
        Add($"{prefix}.outputs", Names(record.OutputNames));
        foreach (ContainerTensor tensor in engine.Tensors.Where(tensor => tensor.DataType.Length > 0))
        {
            Add($"{prefix}.tensor", $"{tensor.Name} {tensor.DataType} [{string.Join(',', tensor.Shape)}]");
        }

        Add(
            $"{prefix}.aliases",
            record.Aliases.Count == 0
                ? "none"
                : string.Join(", ", record.Aliases.Select(alias => $"{alias.Output} = {alias.Input} ({AliasText.Spelling(alias.Kind)})"))
        );
        Add($"{prefix}.requiresOutputAllocator", YesNo(record.RequiresOutputAllocator));
        Add($"{prefix}.workspace", record.ResourceAllocation == ResourceAllocation.Dynamic ? "dynamic" : "static");
        Add($"{prefix}.requiresNativeMultidevice", YesNo(record.RequiresNativeMultidevice));
        Add($"{prefix}.outputsAreUnowned", YesNo(record.OutputsAreUnowned));
        Add($"{prefix}.carriedByNode", YesNo(engine.CarriedByNode));
    }

    private void Graph(ArtifactGraph graph, IReadOnlyList<ArtifactEngine> engines)
    {
        foreach (ArtifactTensor input in graph.Inputs)
        {
            Add("graph.input", Text(input));
        }

        foreach (ArtifactState state in graph.State)
        {
            Add("graph.state", $"{Text(state.Tensor)}: {state.FullName}, {Text(state.Data.Length)} bytes");
        }

        foreach (ArtifactCall call in graph.Calls)
        {
            Add(
                "graph.call",
                $"{call.Node}: {engines[call.Engine].Key}({string.Join(", ", call.Inputs)}) -> {string.Join(", ", call.Outputs.Select(output => output.Length == 0 ? "_" : output))}"
            );
        }

        foreach (ArtifactGetItem item in graph.GetItems)
        {
            Add("graph.getitem", $"{item.Value} = {item.Source}[{Text(item.Index)}]");
        }

        foreach (ArtifactMutation mutation in graph.Mutations)
        {
            Add("graph.mutation", $"{mutation.Target} <- {mutation.Value}{(mutation.IsInput ? " (input)" : "")}");
        }

        foreach (ArtifactRange range in graph.Ranges)
        {
            Add(
                "graph.range",
                $"{range.Symbol} in {(range.Min is { } min ? Text(min) : "..")} to {(range.Max is { } max ? Text(max) : "..")}"
            );
        }

        foreach (ArtifactTensor output in graph.Outputs)
        {
            Add("graph.output", Text(output));
        }
    }

    private void Add(string name, string value) => _lines.Add(new(name, value));

    private static string Name(ArtifactFormat format) =>
        format switch
        {
            ArtifactFormat.Plan => "TensorRT plan",
            ArtifactFormat.Tr01 => "TR01 container",
            ArtifactFormat.Tr02 => "TR02 container (aliased tensors)",
            ArtifactFormat.TorchScript => "TorchScript module",
            ArtifactFormat.ExportedProgram => "exported program (PT2 archive)",
            ArtifactFormat.Record => "engine record",
        };

    private static string Names(IReadOnlyList<string> names) => names.Count == 0 ? "by index" : string.Join(", ", names);

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Text(ArtifactTensor tensor)
    {
        string shape = tensor.Shape is null
            ? "shape not told"
            : $"[{string.Join(',', tensor.Shape.Select((size, axis) => size >= 0 ? Text(size) : tensor.Symbols[axis]))}]";
        return $"{tensor.Name} {tensor.Type?.ProtocolName() ?? "type not told"} {shape}";
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>The graph of an exported program as a module's: one segment for each engine call, connected by the program's value names. What
/// a module cannot say is refused, never left out.</summary>
internal static class ArtifactWiring
{
    /// <exception cref="ModuleLoadException">The program brings tensors along, returns what it was given, or writes back what no engine
    /// writes in place.</exception>
    public static ModuleDefinition Define(ArtifactSpec spec, ArtifactGraph graph, string path, ContentHash hash, BackendCatalogue backends)
    {
        RefuseWhatModulesLack(spec, graph, path);
        string[] names = SegmentNames(spec, graph);
        SegmentDefinition[] segments =
        [
            .. graph.Calls.Select(
                (call, index) =>
                    ArtifactModule.Segment(
                        spec.Engines[call.Engine],
                        names[index],
                        path,
                        call.Inputs,
                        Outputs(spec, call, names[index]),
                        backends
                    )
            ),
        ];
        ModuleTensor[] inputs = [.. graph.Inputs.Select(input => Input(input, graph.Ranges))];
        ModuleTensor[] outputs = [.. graph.Outputs.Select(output => Told(output, null))];
        foreach (
            ModuleTensor input in inputs.Where(input =>
                input.IsToldByEngine && !segments.Any(segment => segment.Spec.Inputs.Contains(input.Name))
            )
        )
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{path}' has the input '{input.Name}' that no engine reads, and does not tell its type. Save the model again without it."
            );
        }

        IReadOnlyList<SegmentDefinition> ordered = SegmentOrder.Derive(path, new Manifest(inputs, outputs, []), segments);
        return new ModuleDefinition(hash, IsLone: false, inputs, outputs, ordered);
    }

    /// <summary>Values that nobody takes have names too, since engines write them all the same. Where the record does not count them, the
    /// engine will.</summary>
    private static string[] Outputs(ArtifactSpec spec, ArtifactCall call, string segment)
    {
        int count = Math.Max(call.Outputs.Count, spec.Engines[call.Engine].Record.OutputNames.Count);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(index =>
                    index < call.Outputs.Count && call.Outputs[index].Length > 0 ? call.Outputs[index] : UnusedOutput(segment, index)
                ),
        ];
    }

    /// <summary>A name no value of a program can have.</summary>
    public static string UnusedOutput(string segment, int output) => $"{segment}[{output}]";

    /// <summary>The compiler's own where each call has one of its own, else counted.</summary>
    private static string[] SegmentNames(ArtifactSpec spec, ArtifactGraph graph)
    {
        string?[] own = [.. graph.Calls.Select(call => ArtifactModule.NameIn(spec.Engines[call.Engine].Key))];
        return own.All(name => name is not null) && own.Distinct(StringComparer.Ordinal).Count() == own.Length
            ? [.. own.Select(name => name!)]
            : [.. own.Select((_, index) => $"_run_on_acc_{index}")];
    }

    private static ModuleTensor Input(ArtifactTensor input, IReadOnlyList<ArtifactRange> ranges)
    {
        if (input.Shape is null || input.Shape.All(dimension => dimension >= 0))
        {
            return Told(input, null);
        }

        long[] min = [.. input.Shape],
            max = [.. input.Shape];
        for (int axis = 0; axis < min.Length; axis++)
        {
            if (min[axis] >= 0)
            {
                continue;
            }

            ArtifactRange? range = ranges.FirstOrDefault(range => range.Symbol == input.Symbols[axis]);
            if (range is not { Min: >= 0 and var least, Max: <= int.MaxValue and var most } || least > most)
            {
                return Told(input, null);
            }

            (min[axis], max[axis]) = (least, most);
        }

        return Told(input, new ProfileRange(new TensorShape(min), new TensorShape(max), new TensorShape(max)));
    }

    private static ModuleTensor Told(ArtifactTensor tensor, ProfileRange? range)
    {
        if (tensor is not { Type: { } type, Shape: { } shape })
        {
            return ModuleTensor.ToldByEngine(tensor.Name);
        }

        return shape.Count <= TensorShape.MaxRank
            ? new ModuleTensor(tensor.Name, type, new TensorShape([.. shape]), tensor.Symbols, range)
            : throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"The tensor '{tensor.Name}' has {shape.Count} dimensions, at most {TensorShape.MaxRank} are possible."
            );
    }

    private static void RefuseWhatModulesLack(ArtifactSpec spec, ArtifactGraph graph, string path)
    {
        if (graph.State.Count > 0)
        {
            throw ArtifactModule.NotSupported(
                path,
                $"its engines read {graph.State.Count} tensors that the program brings along: {string.Join(", ", graph.State.Take(20).Select(state => $"{state.FullName} ({state.Kind})"))}",
                "Freeze them into the engine, or make them inputs of the model."
            );
        }

        if (graph.Outputs.FirstOrDefault(output => graph.Inputs.Any(input => input.Name == output.Name)) is { } given)
        {
            throw ArtifactModule.NotSupported(path, $"it returns its input '{given.Name}' as it is", "Leave that output out of the model.");
        }

        if (graph.Outputs.GroupBy(output => output.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw ArtifactModule.NotSupported(path, $"it returns the value '{twice.Key}' {twice.Count()} times", "Return each value once.");
        }

        if (graph.Mutations.FirstOrDefault(mutation => !IsInPlace(spec, graph, mutation)) is { } written)
        {
            throw ArtifactModule.NotSupported(
                path,
                $"it writes the value '{written.Value}' back to '{written.Target}' after its engines ran",
                "Compile it so that the engine writes in place (aliased_io)."
            );
        }
    }

    /// <summary>The engine that computes the value writes it in place of that very input.</summary>
    private static bool IsInPlace(ArtifactSpec spec, ArtifactGraph graph, ArtifactMutation mutation)
    {
        foreach (ArtifactCall call in graph.Calls)
        {
            EngineRecord record = spec.Engines[call.Engine].Record;
            int output = call.Outputs.ToList().IndexOf(mutation.Value);
            if (output >= 0 && output < record.OutputNames.Count)
            {
                AliasSpec? alias = record.Aliases.FirstOrDefault(alias => alias.Output == record.OutputNames[output]);
                int input = alias is null ? -1 : record.InputNames.ToList().IndexOf(alias.Input);
                return mutation.IsInput && input >= 0 && input < call.Inputs.Count && call.Inputs[input] == mutation.Target;
            }
        }

        return false;
    }
}

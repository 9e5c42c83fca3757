using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Modules;

/// <summary>Connects a module's definition with its loaded engines, and refuses what does not fit together.</summary>
internal static class ModuleGraphBuilder
{
    /// <param name="engines">By segment, in the definition's order.</param>
    /// <exception cref="ModuleLoadException">A segment lists tensors its engine does not have, or connected tensors differ in type or shape.</exception>
    public static ModuleGraph Build(ModuleDefinition definition, ModelVersion model, IReadOnlyList<IEngine> engines, string platform)
    {
        ModuleDefinition named = definition.IsLone ? WithNamesOf(definition, engines[0]) : definition;
        var tensors = new List<GraphTensor>();
        var indexes = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (ModuleTensor input in named.Inputs)
        {
            indexes.Add(input.Name, tensors.Count);
            tensors.Add(new GraphTensor(input.Name, input.Type, input.Shape, input.Symbols, Producer: -1, AliasOf: -1) { Range = input.Range });
        }

        var segments = new GraphSegment[engines.Count];
        for (int index = 0; index < engines.Count; index++)
        {
            segments[index] = Wire(named.Segments[index], index, engines[index], tensors, indexes);
        }

        int[] outputs = named.Outputs.Select(output => indexes[output.Name]).ToArray();
        for (int index = 0; index < outputs.Length; index++)
        {
            GraphTensor computed = tensors[outputs[index]];
            ModuleTensor declared = named.Outputs[index];
            Connect($"the module's output '{declared.Name}'", declared.Type, declared.Shape, computed);
            tensors[outputs[index]] = computed with { IsOutput = true };
        }

        for (int index = 0; index < segments.Length; index++)
        {
            segments[index] = segments[index] with { UnownedOutputs = named.Segments[index].UnownedOutputs ?? (!named.IsLone && segments[index].Outputs.Any(outputs.Contains)) };
        }

        var spec = new ModuleSpec(
            model,
            platform,
            [.. named.Inputs.Select(input => input.ToSpec())],
            [.. named.Outputs.Select(output => output.ToSpec())],
            [.. named.Segments.Select(segment => segment.Spec)],
            SafeToResend: !tensors.Any(tensor => tensor.IsAliased));
        return new ModuleGraph(spec, [.. tensors], [.. Enumerable.Range(0, named.Inputs.Count)], outputs, segments);
    }

    /// <summary>A lone engine's module has the engine's own tensors; aliased outputs at the end are not results but the caller's own inputs.</summary>
    private static ModuleDefinition WithNamesOf(ModuleDefinition lone, IEngine engine)
    {
        SegmentDefinition segment = lone.Segments[0];
        int visible = engine.Outputs.Count;
        while (visible > 0 && engine.Aliases.Any(alias => alias.Output == engine.Outputs[visible - 1].Name))
        {
            visible--;
        }

        visible = visible == 0 ? engine.Outputs.Count : visible;
        return lone with
        {
            Inputs = [.. engine.Inputs.Select(Publish)],
            Outputs = [.. engine.Outputs.Take(visible).Select(Publish)],
            Segments = [segment with { Spec = segment.Spec with { Inputs = [.. engine.Inputs.Select(input => input.Name)], Outputs = [.. engine.Outputs.Select(output => output.Name)] } }],
        };

        static ModuleTensor Publish(EngineTensor tensor) => new(tensor.Name, tensor.Type, tensor.Shape, Symbols: [], Range: null);
    }

    private static GraphSegment Wire(SegmentDefinition definition, int index, IEngine engine, List<GraphTensor> tensors, Dictionary<string, int> indexes)
    {
        SegmentSpec spec = definition.Spec;
        RefuseUnknown(spec, "input", spec.Inputs, engine.Inputs, engine.Outputs);
        RefuseUnknown(spec, "output", spec.Outputs, engine.Outputs, engine.Inputs);

        int[] inputs = [.. engine.Inputs.Select(input => indexes[input.Name])];
        for (int slot = 0; slot < inputs.Length; slot++)
        {
            EngineTensor wanted = engine.Inputs[slot];
            GraphTensor given = tensors[inputs[slot]];
            Connect($"the input '{wanted.Name}' of '{spec.Name}'", wanted.Type, wanted.Shape, given);
            tensors[inputs[slot]] = given with
            {
                Alignment = Math.Max(given.Alignment, wanted.Alignment),
                IsShapeTensor = given.IsShapeTensor || wanted.IsShapeTensor,
                IsAliased = given.IsAliased || engine.Aliases.Any(alias => alias.Input == wanted.Name),
            };
        }

        int[] outputs = new int[engine.Outputs.Count];
        for (int slot = 0; slot < outputs.Length; slot++)
        {
            EngineTensor output = engine.Outputs[slot];
            AliasSpec? alias = engine.Aliases.FirstOrDefault(alias => alias.Output == output.Name);
            outputs[slot] = tensors.Count;
            indexes.Add(output.Name, tensors.Count);
            tensors.Add(new GraphTensor(output.Name, output.Type, output.Shape, Symbols: [], index, alias is null ? -1 : indexes[alias.Input])
            {
                IsDataDependent = output.IsDataDependent,
                IsAliased = alias is not null,
                Alignment = output.Alignment,
            });
        }

        return new GraphSegment(definition, inputs, outputs) { RequiresOutputAllocator = definition.RequiresOutputAllocator || engine.RequiresOutputAllocator };
    }

    private static void RefuseUnknown(SegmentSpec spec, string side, IReadOnlyList<string> listed, IReadOnlyList<EngineTensor> bindings, IReadOnlyList<EngineTensor> opposite)
    {
        foreach (string name in listed)
        {
            if (!bindings.Any(binding => binding.Name == name))
            {
                throw new ModuleLoadException(FailureKind.InvalidModel, opposite.Any(binding => binding.Name == name)
                    ? $"'{name}' is specified as {side} but found as {(side == "input" ? "output" : "input")} of segment '{spec.Name}' ({spec.File})."
                    : $"Could not find an engine binding for {side} '{name}' of segment '{spec.Name}' ({spec.File}); it has {string.Join(", ", bindings.Select(binding => $"'{binding.Name}'"))}.");
            }
        }

        if (bindings.FirstOrDefault(binding => !listed.Contains(binding.Name)) is { } missing)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"Segment '{spec.Name}' ({spec.File}) does not list its engine's {side} '{missing.Name}'.");
        }

        if (listed.Count != bindings.Count)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"Segment '{spec.Name}' lists an {side} twice: {string.Join(", ", listed)}.");
        }
    }

    private static void Connect(string end, ElementType type, in TensorShape shape, GraphTensor tensor)
    {
        if (type != tensor.Type)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"The tensor '{tensor.Name}' is {tensor.Type.ProtocolName()}, but {end} wants {type.ProtocolName()}.");
        }

        bool fits = shape.Rank == tensor.Shape.Rank;
        for (int axis = 0; fits && axis < shape.Rank; axis++)
        {
            fits = shape[axis] < 0 || tensor.Shape[axis] < 0 || shape[axis] == tensor.Shape[axis];
        }

        if (!fits)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"The tensor '{tensor.Name}' has the shape {tensor.Shape}, but {end} wants {shape}.");
        }
    }
}

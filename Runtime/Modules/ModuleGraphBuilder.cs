using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>Connects a module's definition with its loaded engines, and refuses what does not fit together.</summary>
internal static class ModuleGraphBuilder
{
    /// <param name="engines">By segment, in the definition's order.</param>
    /// <exception cref="ModuleLoadException">A segment lists tensors its engine does not have, or connected tensors differ in type or
    /// shape.</exception>
    public static ModuleGraph Build(ModuleDefinition definition, ModelVersion model, IReadOnlyList<IEngine> engines, string platform)
    {
        SegmentBindings[] bindings =
        [
            .. definition.Segments.Select((segment, index) => SegmentBindings.Of(segment, definition.IsLone, engines[index])),
        ];
        ModuleDefinition named = definition.IsLone
            ? WithNamesOf(definition, bindings[0], engines[0])
            : WithTypesOf(definition, bindings, engines);
        var tensors = new List<GraphTensor>();
        var indexes = new Dictionary<string, TensorIndex>(StringComparer.Ordinal);
        foreach (ModuleTensor input in named.Inputs)
        {
            indexes.Add(input.Name, TensorIndex.Of(tensors.Count));
            tensors.Add(
                new GraphTensor(input.Name, input.Type, input.Shape, input.Symbols, Producer: null, AliasOf: null)
                {
                    Range = input.Range,
                    IsRankFree = input.IsRankFree,
                    Default = input.Default,
                }
            );
        }

        var segments = new GraphSegment[engines.Count];
        for (int index = 0; index < engines.Count; index++)
        {
            segments[index] = Wire(named.Segments[index], SegmentIndex.Of(index), bindings[index], engines[index], tensors, indexes);
        }

        HostTensors.Refuse(named, engines, tensors);
        TensorIndex[] outputs = named.Outputs.Select(output => indexes[output.Name]).ToArray();
        for (int index = 0; index < outputs.Length; index++)
        {
            GraphTensor computed = tensors[outputs[index].Value];
            ModuleTensor declared = named.Outputs[index];
            Connect($"the module's output '{declared.Name}'", declared.Type, declared.Shape, declared.IsRankFree, computed);
            tensors[outputs[index].Value] = computed with { IsOutput = true };
        }

        for (int index = 0; index < segments.Length; index++)
        {
            segments[index] = segments[index] with
            {
                UnownedOutputs = named.Segments[index].UnownedOutputs ?? (!named.IsLone && segments[index].Outputs.Any(outputs.Contains)),
            };
        }

        var spec = new ModuleSpec(
            model,
            platform,
            [.. named.Inputs.Select(input => input.ToSpec())],
            [.. named.Outputs.Select(output => output.ToSpec())],
            [.. named.Segments.Select(segment => segment.Spec)],
            SafeToResend: !tensors.Any(tensor => tensor.IsAliased)
        );
        return new ModuleGraph(
            spec,
            new([.. tensors]),
            [.. Enumerable.Range(0, named.Inputs.Count).Select(TensorIndex.Of)],
            outputs,
            new(segments)
        );
    }

    /// <summary>A lone engine's module has the engine's own tensors; aliased outputs at the end are not results but the caller's own
    /// inputs.</summary>
    private static ModuleDefinition WithNamesOf(ModuleDefinition lone, SegmentBindings bindings, IEngine engine)
    {
        SegmentDefinition segment = lone.Segments[0];
        int visible = bindings.Outputs.Count;
        while (visible > 0 && engine.Aliases.Any(alias => alias.Output == bindings.Outputs[visible - 1].Engine))
        {
            visible--;
        }

        visible = visible == 0 ? bindings.Outputs.Count : visible;
        return lone with
        {
            Inputs = [.. bindings.Inputs.Select(input => Publish(engine.Inputs, input))],
            Outputs = [.. bindings.Outputs.Take(visible).Select(output => Publish(engine.Outputs, output))],
            Segments =
            [
                segment with
                {
                    Spec = segment.Spec with
                    {
                        Inputs = [.. bindings.Inputs.Select(input => input.Module)],
                        Outputs = [.. bindings.Outputs.Select(output => output.Module)],
                    },
                },
            ],
        };
    }

    /// <summary>Tensors of which the definition knows no type have that of the first engine that reads or writes them.</summary>
    private static ModuleDefinition WithTypesOf(ModuleDefinition definition, SegmentBindings[] bindings, IReadOnlyList<IEngine> engines)
    {
        return definition with
        {
            Inputs = [.. definition.Inputs.Select(input => Typed(input, segment => (bindings[segment].Inputs, engines[segment].Inputs)))],
            Outputs =
            [
                .. definition.Outputs.Select(output => Typed(output, segment => (bindings[segment].Outputs, engines[segment].Outputs))),
            ],
        };

        ModuleTensor Typed(ModuleTensor tensor, Func<int, (IReadOnlyList<BoundTensor> Bound, IReadOnlyList<EngineTensor> Tensors)> side)
        {
            for (int segment = 0; tensor.IsToldByEngine && segment < engines.Count; segment++)
            {
                (IReadOnlyList<BoundTensor> bound, IReadOnlyList<EngineTensor> tensors) = side(segment);
                if (bound.FirstOrDefault(binding => binding.Module == tensor.Name) is { } found)
                {
                    return Publish(tensors, found);
                }
            }

            return tensor;
        }
    }

    private static ModuleTensor Publish(IReadOnlyList<EngineTensor> side, BoundTensor binding)
    {
        EngineTensor tensor = side.First(tensor => tensor.Name == binding.Engine);
        return new ModuleTensor(binding.Module, tensor.Type, tensor.Shape, Symbols: [], Range: null)
        {
            IsRankFree = tensor.IsRankFree,
            Default = tensor.Default,
        };
    }

    private static GraphSegment Wire(
        SegmentDefinition definition,
        SegmentIndex index,
        SegmentBindings bindings,
        IEngine engine,
        List<GraphTensor> tensors,
        Dictionary<string, TensorIndex> indexes
    )
    {
        SegmentSpec spec = definition.Spec;
        TensorIndex[] inputs = [.. engine.Inputs.Select(input => indexes[bindings.ModuleInput(input.Name)])];
        for (int slot = 0; slot < inputs.Length; slot++)
        {
            EngineTensor wanted = engine.Inputs[slot];
            GraphTensor given = tensors[inputs[slot].Value];
            Connect($"the input '{wanted.Name}' of '{spec.Name}'", wanted.Type, wanted.Shape, wanted.IsRankFree, given);
            tensors[inputs[slot].Value] = given with
            {
                Alignment = Math.Max(given.Alignment, wanted.Alignment),
                IsShapeTensor = given.IsShapeTensor || wanted.IsShapeTensor,
                IsAliased = given.IsAliased || engine.Aliases.Any(alias => alias.Input == wanted.Name),
            };
        }

        TensorIndex[] outputs = new TensorIndex[engine.Outputs.Count];
        for (int slot = 0; slot < outputs.Length; slot++)
        {
            EngineTensor output = engine.Outputs[slot];
            AliasSpec? alias = engine.Aliases.FirstOrDefault(alias => alias.Output == output.Name);
            outputs[slot] = TensorIndex.Of(tensors.Count);
            string name = bindings.ModuleOutput(output.Name);

            // From here on the name means what the segment makes, also where it hands an input of its own on.
            indexes[name] = outputs[slot];
            tensors.Add(
                new GraphTensor(
                    name,
                    output.Type,
                    output.Shape,
                    Symbols: [],
                    index,
                    alias is null ? null : inputs[engine.Inputs.ToList().FindIndex(input => input.Name == alias.Input)]
                )
                {
                    IsDataDependent = output.IsDataDependent,
                    IsRankFree = output.IsRankFree,
                    IsAliased = alias is not null,
                    Alignment = output.Alignment,
                }
            );
        }

        RefuseContradictingAliases(definition, bindings, engine);
        bool requiresAllocator = definition.RequiresOutputAllocator || engine.RequiresOutputAllocator;
        RefuseMissingAllocator(definition, engine, requiresAllocator);

        // The bytes have become the engine; they are not kept beside it.
        return new GraphSegment(definition with { Bytes = default }, inputs, outputs) { RequiresOutputAllocator = requiresAllocator };
    }

    /// <summary>Outputs that only an allocator can hold need an engine that takes one.</summary>
    private static void RefuseMissingAllocator(SegmentDefinition definition, IEngine engine, bool isRequired)
    {
        if (
            (isRequired || engine.Outputs.Any(output => output.IsDataDependent))
            && !engine.Capabilities.HasFlag(EngineCapabilities.OutputAllocator)
        )
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"Segment '{definition.Spec.Name}' ({definition.Spec.File}) needs an output allocator, which its back end '{definition.Spec.Backend}' does not take."
            );
        }
    }

    /// <summary>What the engine writes in place has one address and a shape that is known before the run.</summary>
    private static void RefuseContradictingAliases(SegmentDefinition definition, SegmentBindings bindings, IEngine engine)
    {
        if (engine.Aliases.Count > 0 && definition.RequiresOutputAllocator)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Aliased output {engine.Aliases[0].Output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
            );
        }

        foreach (AliasSpec alias in engine.Aliases)
        {
            string written = bindings.ModuleInput(alias.Input);
            if (bindings.Inputs.Count(input => input.Module == written) > 1)
            {
                throw new ModuleLoadException(
                    FailureKind.InvalidModel,
                    $"Segment '{definition.Spec.Name}' writes '{written}' in place and reads it as another input at the same time. Give it a tensor of its own."
                );
            }
        }
    }

    private static void Connect(string end, ElementType type, in TensorShape shape, bool isRankFree, GraphTensor tensor)
    {
        if (type != tensor.Type)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The tensor '{tensor.Name}' is {tensor.Type.ProtocolName()}, but {end} wants {type.ProtocolName()}."
            );
        }

        bool anyRank = isRankFree || tensor.IsRankFree;
        bool fits = anyRank || shape.Rank == tensor.Shape.Rank;
        for (int axis = 0; fits && !anyRank && axis < shape.Rank; axis++)
        {
            fits = shape[axis] < 0 || tensor.Shape[axis] < 0 || shape[axis] == tensor.Shape[axis];
        }

        if (!fits)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The tensor '{tensor.Name}' has the shape {tensor.Shape}, but {end} wants {shape}."
            );
        }
    }
}

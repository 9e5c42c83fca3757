using Troupe.Messages.Failures;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>One tensor of a segment: what the module calls it, and what its engine does.</summary>
internal sealed record BoundTensor(string Module, string Engine);

/// <summary>How the tensors of a segment are called on both sides, in the segment's order. A manifest uses the engine's names; programs of
/// torch_tensorrt have names of their own.</summary>
internal sealed record SegmentBindings(IReadOnlyList<BoundTensor> Inputs, IReadOnlyList<BoundTensor> Outputs)
{
    /// <param name="isLone">The segment lists nothing: it is wired as its engine is.</param>
    /// <exception cref="ModuleLoadException">The segment names tensors its engine does not have, or leaves some out.</exception>
    public static SegmentBindings Of(SegmentDefinition segment, bool isLone, IEngine engine)
    {
        SegmentSpec spec = segment.Spec;
        if (segment.Bindings is not { } given)
        {
            if (isLone)
            {
                return new SegmentBindings(
                    Same(engine.Inputs.Select(input => input.Name)),
                    Same(engine.Outputs.Select(output => output.Name))
                );
            }

            RefuseUnknown(spec, "input", spec.Inputs, engine.Inputs, engine.Outputs);
            RefuseUnknown(spec, "output", spec.Outputs, engine.Outputs, engine.Inputs);
            return new SegmentBindings(Same(spec.Inputs), Same(spec.Outputs));
        }

        EngineBinding[] own =
        [
            .. engine.Inputs.Select(input => new EngineBinding(input.Name, true)),
            .. engine.Outputs.Select(output => new EngineBinding(output.Name, false)),
        ];
        bool keep = segment.IndexesAreOptional && given.Inputs.Count == 0 && given.Outputs.Count == 0;
        BindingNames names = ArtifactModule.Explained(() =>
            keep
                ? BindingNames.InferOrKeep(own)
                : BindingNames.Resolve(given.Inputs, given.Outputs, own, $"{spec.File}, segment '{spec.Name}'")
        );
        if (isLone)
        {
            return new SegmentBindings(Same(names.Inputs), Same(names.Outputs));
        }

        if (spec.Inputs.Count != names.Inputs.Count || spec.Outputs.Count > names.Outputs.Count)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                spec.Inputs.Count != names.Inputs.Count
                    ? $"Segment '{spec.Name}' ({spec.File}): Wrong number of inputs, expected {names.Inputs.Count} got {spec.Inputs.Count}."
                    : $"Segment '{spec.Name}' ({spec.File}) takes {spec.Outputs.Count} outputs of an engine that has {names.Outputs.Count}."
            );
        }

        return new SegmentBindings(
            [.. names.Inputs.Select((name, index) => new BoundTensor(spec.Inputs[index], name))],
            [
                .. names.Outputs.Select(
                    (name, index) =>
                        new BoundTensor(
                            index < spec.Outputs.Count ? spec.Outputs[index] : ArtifactWiring.UnusedOutput(spec.Name, index),
                            name
                        )
                ),
            ]
        );
    }

    /// <summary>The module's name of the engine's input.</summary>
    public string ModuleInput(string engine) => Inputs.First(input => input.Engine == engine).Module;

    /// <summary>The module's name of the engine's output.</summary>
    public string ModuleOutput(string engine) => Outputs.First(output => output.Engine == engine).Module;

    private static BoundTensor[] Same(IEnumerable<string> names) => [.. names.Select(name => new BoundTensor(name, name))];

    private static void RefuseUnknown(
        SegmentSpec spec,
        string side,
        IReadOnlyList<string> listed,
        IReadOnlyList<EngineTensor> bindings,
        IReadOnlyList<EngineTensor> opposite
    )
    {
        foreach (string name in listed)
        {
            if (!bindings.Any(binding => binding.Name == name))
            {
                throw new ModuleLoadException(
                    FailureKind.InvalidModel,
                    opposite.Any(binding => binding.Name == name)
                        ? $"'{name}' is specified as {side} but found as {(side == "input" ? "output" : "input")} of segment '{spec.Name}' ({spec.File})."
                        : $"Could not find an engine binding for {side} '{name}' of segment '{spec.Name}' ({spec.File}); it has {string.Join(", ", bindings.Select(binding => $"'{binding.Name}'"))}."
                );
            }
        }

        if (bindings.FirstOrDefault(binding => !listed.Contains(binding.Name)) is { } missing)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Segment '{spec.Name}' ({spec.File}) does not list its engine's {side} '{missing.Name}'."
            );
        }

        if (listed.Count != bindings.Count)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Segment '{spec.Name}' lists an {side} twice: {string.Join(", ", listed)}."
            );
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>Derives the order in which segments run from the tensors that connect them; refuses what is not a dataflow graph.</summary>
internal static class SegmentOrder
{
    /// <exception cref="ModuleLoadException">A tensor is assigned twice or never, a segment is named twice, or segments wait for each
    /// other.</exception>
    public static IReadOnlyList<SegmentDefinition> Derive(string path, Manifest manifest, IReadOnlyList<SegmentDefinition> segments)
    {
        string name = Path.GetFileName(path);
        if (segments.Count == 0)
        {
            throw Wrong(name, "has no segments");
        }

        Dictionary<string, SegmentDefinition?> producers = Producers(name, manifest, segments);
        foreach (SegmentDefinition segment in segments)
        {
            foreach (string input in segment.Spec.Inputs)
            {
                if (!producers.ContainsKey(input))
                {
                    throw Wrong(
                        name,
                        $"never assigns the tensor '{input}' that segment '{segment.Spec.Name}' reads; it is neither an input nor an output of a segment"
                    );
                }
            }
        }

        foreach (ModuleTensor output in manifest.Outputs)
        {
            if (!producers.TryGetValue(output.Name, out SegmentDefinition? producer) || producer is null)
            {
                throw Wrong(name, $"declares the output '{output.Name}', which no segment computes");
            }
        }

        return Sort(name, segments, producers);
    }

    /// <summary>By tensor: the segment that assigns it, null for inputs of the module.</summary>
    private static Dictionary<string, SegmentDefinition?> Producers(
        string name,
        Manifest manifest,
        IReadOnlyList<SegmentDefinition> segments
    )
    {
        var producers = new Dictionary<string, SegmentDefinition?>(StringComparer.Ordinal);
        foreach (ModuleTensor input in manifest.Inputs)
        {
            if (!producers.TryAdd(input.Name, null))
            {
                throw Wrong(name, $"declares the input '{input.Name}' twice");
            }
        }

        if (
            manifest.Outputs.Select(output => output.Name).GroupBy(output => output).FirstOrDefault(group => group.Count() > 1) is { } twice
        )
        {
            throw Wrong(name, $"declares the output '{twice.Key}' twice");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (SegmentDefinition segment in segments)
        {
            if (!names.Add(segment.Spec.Name))
            {
                throw Wrong(name, $"has two segments called '{segment.Spec.Name}'");
            }

            foreach (string output in segment.Spec.Outputs)
            {
                if (!producers.TryAdd(output, segment))
                {
                    throw Wrong(
                        name,
                        $"assigns the tensor '{output}' twice: in '{segment.Spec.Name}' and {(producers[output] is { } first ? $"in '{first.Spec.Name}'" : "as an input")}"
                    );
                }
            }
        }

        return producers;
    }

    /// <summary>Repeatedly takes the first segment, as written, whose inputs are all there: the order is the author's wherever that is
    /// legal.</summary>
    private static List<SegmentDefinition> Sort(
        string name,
        IReadOnlyList<SegmentDefinition> segments,
        Dictionary<string, SegmentDefinition?> producers
    )
    {
        var ordered = new List<SegmentDefinition>(segments.Count);
        var done = new HashSet<SegmentDefinition>(ReferenceEqualityComparer.Instance);
        while (ordered.Count < segments.Count)
        {
            SegmentDefinition next =
                segments.FirstOrDefault(segment =>
                    !done.Contains(segment)
                    && segment.Spec.Inputs.All(input => producers[input] is not { } producer || done.Contains(producer))
                )
                ?? throw Wrong(
                    name,
                    $"has segments that wait for each other: {string.Join(", ", segments.Where(segment => !done.Contains(segment)).Select(segment => segment.Spec.Name))}"
                );
            done.Add(next);
            ordered.Add(next);
        }

        return ordered;
    }

    private static ModuleLoadException Wrong(string name, string what) => new(FailureKind.InvalidModel, $"{name} {what}.");
}

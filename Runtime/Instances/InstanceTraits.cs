using Troupe.Messages.Modes;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Instances;

/// <summary>What modes need to know of a loaded module, read off its engines once.</summary>
internal static class InstanceTraits
{
    public static ModuleTraits Of(ModuleGraph graph, IReadOnlyList<IEngine> engines)
    {
        // What every segment must be able to do, and what concerns those segments alone that can do it.
        EngineCapabilities any = engines.Aggregate(EngineCapabilities.None, (union, engine) => union | engine.Capabilities);
        EngineCapabilities all = engines.Aggregate(~EngineCapabilities.None, (common, engine) => common & engine.Capabilities);
        return new ModuleTraits
        {
            HasFallbackSegments = graph.Spec.Segments.Any(segment => segment.Kind == SegmentKind.Fallback),
            CudaGraphs = all.HasFlag(EngineCapabilities.CudaGraphs),
            WholeCaptureObstacle = Obstacle(graph),
            OutputAllocator = all.HasFlag(EngineCapabilities.OutputAllocator),
            RequiresOutputAllocator = graph.Segments.Items.Any(segment => segment.RequiresOutputAllocator),
            AliasedOutput = graph.Tensors.Items.FirstOrDefault(tensor => tensor.AliasOf is not null)?.Name,
            ProfileCount = engines
                .Where(engine => engine.Profiles.Count > 0)
                .Select(engine => engine.Profiles.Count)
                .DefaultIfEmpty(1)
                .Min(),
            StreamableWeightBytes = engines.Sum(engine => engine.StreamableWeights?.Bytes ?? 0),
            BuiltWorkspace =
                any.HasFlag(EngineCapabilities.SharedWorkspace) && graph.Segments.Items.Any(segment => segment.Definition.DynamicWorkspace)
                    ? WorkspaceStrategy.Dynamic
                    : WorkspaceStrategy.Static,
            DynamicWorkspace = any.HasFlag(EngineCapabilities.SharedWorkspace),
            RuntimeSettings = engines.Any(engine => engine.ConfigurableRuntime is not null),
            Profiling = any.HasFlag(EngineCapabilities.LayerProfiling),
        };
    }

    private static string? Obstacle(ModuleGraph graph)
    {
        if (graph.Tensors.Items.FirstOrDefault(tensor => tensor.IsOnHost) is { } strings)
        {
            return $"'{strings.Name}' is of type BYTES, which lies in host memory";
        }

        if (graph.Tensors.Items.FirstOrDefault(tensor => tensor.IsDataDependent) is { } measured)
        {
            return $"the shape of '{measured.Name}' depends on data";
        }

        return graph.Tensors.Items.FirstOrDefault(tensor => tensor is { IsShapeTensor: true, Producer: not null }) is { } shape
            ? $"the shape values '{shape.Name}' are made inside the module"
            : null;
    }
}

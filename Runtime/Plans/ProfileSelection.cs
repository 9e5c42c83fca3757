using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Plans;

/// <summary>Which optimization profile a segment runs under: the pinned one, or by shape the active one while it fits, else the first that
/// does.</summary>
internal static class ProfileSelection
{
    /// <exception cref="ForwardException">The index is out of range, or nothing fits (texts of torch_tensorrt).</exception>
    public static int Choose(IEngine engine, ProfileChoice choice, int active, ForwardShapes shapes, ModuleGraph graph, GraphSegment wiring)
    {
        if (choice.Index is { } pinned)
        {
            // An engine without profiles, or with one, runs as it is, whatever is pinned for its neighbours.
            return engine.Profiles.Count <= 1 ? 0
                : (uint)pinned < (uint)engine.Profiles.Count ? pinned
                : throw ProfileSpec.OutOfRange(pinned, engine.Profiles.Count);
        }

        if (engine.Profiles.Count <= 1 || Admits(engine, engine.Profiles[active], shapes, graph, wiring))
        {
            return engine.Profiles.Count <= 1 ? 0 : active;
        }

        for (int index = 0; index < engine.Profiles.Count; index++)
        {
            if (Admits(engine, engine.Profiles[index], shapes, graph, wiring))
            {
                return index;
            }
        }

        throw new ForwardException(
            FailureKind.InvalidInput,
            $"No optimization profile matches the input shapes of '{engine.Name}': {string.Join(", ", wiring.Inputs.Select(tensor => shapes[tensor]))}."
        );
    }

    private static bool Admits(IEngine engine, ProfileSpec profile, ForwardShapes shapes, ModuleGraph graph, GraphSegment wiring)
    {
        for (int slot = 0; slot < wiring.Inputs.Length; slot++)
        {
            TensorIndex tensor = wiring.Inputs[slot];
            ProfileRange range = profile.Ranges[slot];
            if (
                !(
                    engine.Inputs[slot].IsShapeTensor
                        ? range.AdmitsValues(ShapeTensors.ValuesOf(graph, shapes, tensor))
                        : range.Admits(shapes[tensor])
                )
            )
            {
                return false;
            }
        }

        return true;
    }
}

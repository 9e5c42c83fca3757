using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>Where tensors of type BYTES may be, which lie in host memory: in segments whose engines have strings, written anew each time,
/// in a module on one device.</summary>
internal static class HostTensors
{
    /// <exception cref="ModuleLoadException">The module has one where none can be.</exception>
    public static void Refuse(ModuleDefinition module, IReadOnlyList<IEngine> engines, IReadOnlyList<GraphTensor> tensors)
    {
        if (tensors.FirstOrDefault(tensor => tensor.IsOnHost) is not { } strings)
        {
            return;
        }

        for (int index = 0; index < engines.Count; index++)
        {
            SegmentSpec segment = module.Segments[index].Spec;
            IEngine engine = engines[index];
            EngineTensor? found = engine.Inputs.Concat(engine.Outputs).FirstOrDefault(tensor => tensor.Type == ElementType.Bytes);
            if (found is not null && !engine.Capabilities.HasFlag(EngineCapabilities.Strings))
            {
                throw Refusal(
                    $"Segment '{segment.Name}' ({segment.File}) has the tensor '{found.Name}' of type BYTES; its back end '{segment.Backend}' has no strings. The CPU provider of ONNX Runtime has."
                );
            }

            if (segment.RelativeOrdinal != 0)
            {
                throw Refusal(
                    $"The tensor '{strings.Name}' is of type BYTES, which lies in host memory and on no device, but segment '{segment.Name}' is placed on another device. Put all segments on device 0 of the module."
                );
            }
        }

        if (tensors.FirstOrDefault(tensor => tensor is { IsOnHost: true, IsAliased: true }) is { } aliased)
        {
            throw Refusal(
                $"The tensor '{aliased.Name}' is of type BYTES and written in place: strings have no place that stays. Leave the alias out."
            );
        }
    }

    private static ModuleLoadException Refusal(string reason) => new(FailureKind.NotSupported, reason);
}

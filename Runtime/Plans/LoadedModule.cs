using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>What loading a module leaves: its graph, its engines, and the device contexts they live in.</summary>
/// <remarks><b>Owns</b> the engines and a door to the memory of each device, home first. Disposed after every lane.</remarks>
internal sealed record LoadedModule(ModuleGraph Graph, IReadOnlyList<IEngine> Engines, IReadOnlyList<BlockPool> Memory) : IDisposable
{
    /// <summary>In the order of their memory.</summary>
    public IReadOnlyList<DeviceContext> Devices { get; } = [.. Memory.Select(memory => memory.Device)];

    /// <summary>What was read or is done otherwise than the module's files say, for people.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>Where its tensors belong; shared by every lane.</summary>
    public ModuleLayout Layout { get; } = new(Graph);

    /// <summary>The device context a segment's engine lives in.</summary>
    public DeviceContext DeviceOf(SegmentIndex segment) => Devices[Layout.DeviceOf(segment).Value];

    public void Dispose()
    {
        for (int index = 0; index < Engines.Count; index++)
        {
            using ContextEntry entry = DeviceOf(SegmentIndex.Of(index)).Enter();
            Engines[index].Dispose();
        }

        foreach (BlockPool memory in Memory)
        {
            memory.Dispose();
        }
    }
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>What loading a module leaves: its graph, its engines, and the device contexts they live in.</summary>
/// <remarks><b>Owns</b> the engines and one retain of each context, home first. Disposed after every lane.</remarks>
internal sealed record LoadedModule(ModuleGraph Graph, IReadOnlyList<IEngine> Engines, IReadOnlyList<DeviceContext> Devices) : IDisposable
{
    public void Dispose()
    {
        DisposeEngines(Engines, Graph, Devices);
        foreach (DeviceContext device in Devices)
        {
            device.Dispose();
        }
    }

    private static void DisposeEngines(IReadOnlyList<IEngine> engines, ModuleGraph graph, IReadOnlyList<DeviceContext> devices)
    {
        for (int index = 0; index < engines.Count; index++)
        {
            DeviceContext device = devices[Array.IndexOf(graph.RelativeOrdinals, graph.Segments[index].RelativeOrdinal)];
            using ContextEntry entry = device.Enter();
            engines[index].Dispose();
        }
    }
}

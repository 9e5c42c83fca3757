using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Artifacts.Programs;

/// <summary>One engine of an artifact.</summary>
/// <param name="Key">Unique in its artifact: the attribute it hangs on, e.g. <c>_run_on_acc_0_engine</c>, or the node that carries
/// it.</param>
/// <param name="Record">Everything that is told of it, with its plan.</param>
public sealed record ArtifactEngine(string Key, EngineRecord Record)
{
    /// <summary>Tensors with types and shapes where a container tells them; their names are the record's.</summary>
    public IReadOnlyList<ContainerTensor> Tensors { get; init; } = [];

    /// <summary>Written inside a node, as cross-compilation for Windows does.</summary>
    public bool CarriedByNode { get; init; }
}

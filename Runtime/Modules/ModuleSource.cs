using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Manifests;

namespace Troupe.Runtime.Modules;

/// <summary>Where a module's bytes are: a lone <c>.onnx</c>, a <c>module.json</c> beside the files it names, or an artifact of
/// torch_tensorrt.</summary>
/// <param name="Model">Name and number it is served under; its hash is computed when the bytes are read.</param>
/// <param name="Path">Absolute path of the file; with an <see cref="Artifact"/> what to call it in errors.</param>
public sealed record ModuleSource(ModelReference Model, string Path)
{
    /// <summary>An artifact that was read already; null where the file at <see cref="Path"/> is to be read.</summary>
    public ArtifactSpec? Artifact { get; init; }

    /// <summary>Names of a raw plan's tensors in the order of the call; null where it is not a raw plan, or they are left to the plan
    /// itself.</summary>
    public BindingNames? Names { get; init; }

    /// <summary>Where the files that are read are written down, or what is required of them; null where nobody asks.</summary>
    public FileDigests? Files { get; init; }

    /// <summary>The files beside <see cref="Path"/>, itself among them, by their names relative to its folder, where they are held in
    /// memory: the path is then only what to call them. Null where they are on the disk.</summary>
    public IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? Held { get; init; }

    /// <summary>What the model's folder says of it; null where it says nothing.</summary>
    public GivenConfiguration? Configuration { get; init; }

    /// <summary>Ordinals of the devices it may be on; null: all.</summary>
    public IReadOnlyList<int>? Devices { get; init; }
}

namespace Troupe.Runtime.Manifests;

/// <summary>What the files of models are called, in one place for those who search folders for them.</summary>
public static class ModelFileNames
{
    /// <summary>Describes a module of several files; those beside it are its parts.</summary>
    public const string Manifest = "module.json";

    /// <summary>Files that are a whole model, by the names a model repository gives them (Triton's for <c>.onnx</c>, <c>.plan</c>,
    /// <c>.pt</c> and <c>.pt2</c>).</summary>
    public static IReadOnlyList<string> Lone { get; } =
    ["model.onnx", "model.plan", "model.engine", "model.pt2", "model.ts", "model.pt", "model.tr01", "model.tr02"];

    /// <summary>What artifacts of torch_tensorrt end in; their bytes decide.</summary>
    public static IReadOnlyList<string> ArtifactExtensions { get; } = [".plan", ".engine", ".pt2", ".ts", ".pt", ".tr01", ".tr02"];

    /// <summary>A file in a repository that holds an engine of TensorRT, as far as its name tells.</summary>
    public static bool IsArtifact(string file) => Lone.Contains(file) && ArtifactExtensions.Contains(Path.GetExtension(file));
}

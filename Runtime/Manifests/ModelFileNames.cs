namespace Troupe.Runtime.Manifests;

/// <summary>What files of modules and artifacts are called; what back ends call theirs, they say themselves.</summary>
internal static class ModelFileNames
{
    /// <summary>Describes a module of several files; those beside it are its parts.</summary>
    public const string Manifest = "module.json";

    /// <summary>What artifacts of torch_tensorrt end in; their bytes decide.</summary>
    public static IReadOnlyList<string> ArtifactExtensions { get; } = [".plan", ".engine", ".pt2", ".ts", ".pt", ".tr01", ".tr02"];

    /// <summary>What a model repository calls them.</summary>
    public static IReadOnlyList<string> Artifacts { get; } = [.. ArtifactExtensions.Select(extension => $"model{extension}")];
}

using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>What this build knows of the files of models before one is loaded, for those who search folders for them.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk where it reads a file.</remarks>
public static class RepositoryFiles
{
    /// <summary>Describes a module of several files; those beside it are its parts.</summary>
    public const string Manifest = ModelFileNames.Manifest;

    /// <summary>Files that are a whole model, by the names a model repository gives them: the manifest, what back ends of this build load
    /// (Triton's names), artifacts of torch_tensorrt.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        Manifest,
        .. StandardBackends.Catalogue.Descriptions.Select(backend => backend.ModelFile).OfType<string>().Except(ModelFileNames.Artifacts),
        .. ModelFileNames.Artifacts,
    ];

    /// <summary>What a model of a platform (V2's word) is called in a repository; null where no back end of this build makes
    /// such.</summary>
    public static string? NameFor(string platform) =>
        platform == ModuleLoader.ModulePlatform
            ? Manifest
            : StandardBackends.Catalogue.Descriptions.FirstOrDefault(backend => backend.Platform == platform)?.ModelFile;

    /// <summary>The back end that a file needs and this build has not got for real devices; null where there is none, where the file is no
    /// model, and where it is broken: its own load will say so.</summary>
    public static string? BackendMissingForCuda(string path)
    {
        try
        {
            return BackendsOf(path).FirstOrDefault(backend => StandardBackends.Catalogue.Obstacle(backend, DriverKind.Cuda) is not null);
        }
        catch (ModuleLoadException)
        {
            return null;
        }
    }

    private static IReadOnlyList<string> BackendsOf(string path)
    {
        string file = Path.GetFileName(path);
        if (file == Manifest)
        {
            return
            [
                .. ManifestReader
                    .Read(ModuleFiles.Read(path, ModuleFiles.MaxManifestBytes), path)
                    .Segments.Select(segment => BackendOf(segment.Spec, Path.GetDirectoryName(Path.GetFullPath(path))!)),
            ];
        }

        return ModelFileNames.Artifacts.Contains(file) ? [Resolve(ArtifactSpec.Backend, path)]
            : StandardBackends.Catalogue.Descriptions.FirstOrDefault(backend => backend.ModelFile == file) is { } lone ? [lone.Name]
            : [];
    }

    private static string BackendOf(SegmentSpec segment, string folder) =>
        Resolve(segment.Backend, ModuleFiles.Resolve(folder, segment.File, segment.Name));

    private static string Resolve(string backend, string path) =>
        StandardBackends.Catalogue.Resolve(backend, ModuleFiles.ReadHead(path, BackendCatalogue.HeadBytes));
}

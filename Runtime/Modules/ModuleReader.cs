using System.Security.Cryptography;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Runtime.Modules;

/// <summary>Reads a module's files: a lone engine file, or a manifest with the files it names.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal static class ModuleReader
{
    /// <exception cref="ModuleLoadException">A file is missing, too large, or the manifest is wrong.</exception>
    public static ModuleDefinition Read(ModuleSource source) =>
        string.Equals(Path.GetExtension(source.Path), ".json", StringComparison.OrdinalIgnoreCase) ? ReadManifest(source.Path) : ReadLone(source.Path);

    private static ModuleDefinition ReadLone(string path)
    {
        string backend = Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".ONNX" => "onnxruntime",
            ".PLAN" or ".ENGINE" => "tensorrt",
            string other => throw new ModuleLoadException(FailureKind.NotSupported, $"'{path}' ends in '{other}': a lone model is a .onnx or .plan file; anything else needs a module.json beside it."),
        };

        byte[] bytes = ModuleFiles.Read(path);
        var spec = new SegmentSpec("_run_on_acc_0", SegmentKind.Engine, backend, Path.GetFileName(path), 0, [], []);
        return new ModuleDefinition(ContentHash.FromSha256(SHA256.HashData(bytes)), IsLone: true, [], [], [new SegmentDefinition(spec, path, bytes, [], RequiresOutputAllocator: false, UnownedOutputs: null)]);
    }

    private static ModuleDefinition ReadManifest(string path)
    {
        byte[] text = ModuleFiles.Read(path, ModuleFiles.MaxManifestBytes);
        Manifest manifest = ManifestReader.Read(text, path);
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!;

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(text);

        // Two segments may share a file: it is read once and hashed where it first stands.
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var segments = new List<SegmentDefinition>(manifest.Segments.Count);
        foreach (ManifestSegment segment in manifest.Segments)
        {
            string file = ModuleFiles.Resolve(folder, segment.Spec.File, segment.Spec.Name);
            if (!files.TryGetValue(file, out byte[]? bytes))
            {
                bytes = ModuleFiles.Read(file);
                files.Add(file, bytes);
                hash.AppendData(bytes);
            }

            segments.Add(new SegmentDefinition(segment.Spec, file, bytes, segment.Aliases, segment.RequiresOutputAllocator, segment.UnownedOutputs));
        }

        IReadOnlyList<SegmentDefinition> ordered = SegmentOrder.Derive(path, manifest, segments);
        return new ModuleDefinition(ContentHash.FromSha256(hash.GetHashAndReset()), IsLone: false, manifest.Inputs, manifest.Outputs, ordered);
    }
}

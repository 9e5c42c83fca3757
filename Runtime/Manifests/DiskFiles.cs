namespace Troupe.Runtime.Manifests;

/// <summary>A module's files on the disk.</summary>
/// <param name="digests">Where they are written down or required; null where nobody asks.</param>
internal sealed class DiskFiles(FileDigests? digests) : ISegmentFiles
{
    public ReadOnlyMemory<byte> Read(string path, long limit) => ModuleFiles.Read(path, digests, limit);

    public string Resolve(string manifest, string file, string owner) =>
        ModuleFiles.Resolve(Path.GetDirectoryName(Path.GetFullPath(manifest))!, file, owner);
}

using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Manifests;

/// <summary>Where a module's files are read from: the disk, or memory.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk where they are there.</remarks>
internal interface ISegmentFiles
{
    /// <exception cref="ModuleLoadException">It is missing, unreadable, empty or larger than <paramref name="limit"/>.</exception>
    ReadOnlyMemory<byte> Read(string path, long limit);

    /// <summary>The path of a file that the manifest at <paramref name="manifest"/> names.</summary>
    /// <exception cref="ModuleLoadException">It is outside of the manifest's folder.</exception>
    string Resolve(string manifest, string file, string owner);
}

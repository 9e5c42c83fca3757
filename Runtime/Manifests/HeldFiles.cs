using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Manifests;

/// <summary>A module's files in memory, under paths that are nothing but what to call them.</summary>
/// <param name="files">By their names relative to the folder of <paramref name="module"/>.</param>
/// <param name="module">What the module's own file is called.</param>
internal sealed class HeldFiles(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files, string module) : ISegmentFiles
{
    public ReadOnlyMemory<byte> Read(string path, long limit)
    {
        string name = path[(FolderOf(module).Length + 1)..];
        if (!files.TryGetValue(name, out ReadOnlyMemory<byte> bytes))
        {
            throw new ModuleLoadException(FailureKind.NotFound, $"There is no file '{path}' among those that the load brought along.");
        }

        return bytes.Length == 0 ? throw new ModuleLoadException(FailureKind.InvalidModel, $"'{path}' is empty.")
            : bytes.Length <= limit ? bytes
            : throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{path}' has {bytes.Length} bytes, more than the {limit} that are read. Make it smaller."
            );
    }

    /// <summary>What is no name of a file here is not found when it is read.</summary>
    public string Resolve(string manifest, string file, string owner) => $"{FolderOf(manifest)}/{file}";

    private static string FolderOf(string path) => path[..path.LastIndexOf('/')];
}

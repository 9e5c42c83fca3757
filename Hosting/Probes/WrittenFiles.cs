namespace Troupe.Hosting.Probes;

/// <summary>Files that are held in memory, on the disk for as long as a process of its own tries them, where nobody else reads
/// them.</summary>
/// <remarks><b>Owns</b> a folder below the temporary one until disposed.</remarks>
internal sealed class WrittenFiles : IDisposable
{
    public WrittenFiles(IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files)
    {
        // Its owner alone may enter it.
        Folder = Directory.CreateTempSubdirectory("troupe-tried-").FullName;
        foreach ((string name, ReadOnlyMemory<byte> bytes) in files)
        {
            string path = Path.Combine(Folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using FileStream file = new(path, FileMode.CreateNew, FileAccess.Write);
            file.Write(bytes.Span);
        }
    }

    public string Folder { get; }

    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            // Who clears the temporary folder clears it.
        }
    }
}

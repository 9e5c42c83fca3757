namespace Troupe.Runtime.Engines.Caches;

/// <summary>The file of a runtime cache, which other processes may use at the same time: changed under a lock, replaced in one step.</summary>
/// <remarks><b>Owns</b> nothing between calls. <b>Thread</b> any. <b>Blocks</b> in <see cref="Update"/> while another process holds the lock, up to the limit.</remarks>
/// <param name="path">Absolute.</param>
/// <param name="limit">How long to wait for the lock.</param>
internal sealed class RuntimeCacheFile(string path, TimeSpan limit)
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public string Path => path;

    /// <summary>What is there now; null where there is no file or none that can be read.</summary>
    public byte[]? Read()
    {
        try
        {
            return File.Exists(path) ? File.ReadAllBytes(path) : null;
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>Replaces the content by what <paramref name="change"/> makes of it. A reader sees the old content or the new one.</summary>
    /// <exception cref="IOException">Locked for too long, or not writable; the file is as it was.</exception>
    public void Update(Func<byte[]?, byte[]> change)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        using FileStream held = Lock();
        string next = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            File.WriteAllBytes(next, change(Read()));
            File.Move(next, path, overwrite: true);
        }
        catch
        {
            File.Delete(next);
            throw;
        }
    }

    private FileStream Lock()
    {
        long start = TimeProvider.System.GetTimestamp();
        using var pause = new ManualResetEventSlim();
        while (true)
        {
            try
            {
                return new FileStream($"{path}.lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (TimeProvider.System.GetElapsedTime(start) < limit)
            {
                pause.Wait(Pause);
            }
            catch (IOException trouble)
            {
                throw new IOException($"'{path}' has been locked by another process for {limit.TotalSeconds:0.#} s.", trouble);
            }
        }
    }
}

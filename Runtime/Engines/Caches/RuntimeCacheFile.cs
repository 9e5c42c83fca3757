namespace Troupe.Runtime.Engines.Caches;

/// <summary>The file of a runtime cache, which other processes may use at the same time: changed under a lock, replaced in one
/// step.</summary>
/// <remarks><b>Owns</b> nothing between calls. <b>Thread</b> any. <b>Blocks</b> in <see cref="Update"/> while another process holds the
/// lock, up to the limit.</remarks>
/// <param name="path">Absolute.</param>
/// <param name="limit">How long to wait for the lock.</param>
internal sealed class RuntimeCacheFile(string path, TimeSpan limit)
{
    /// <summary>A larger file is not read: kernels of one user are far from it.</summary>
    private const long MaxBytes = 256 << 20;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    public string Path => path;

    /// <summary>What is there now; null where there is no file, or none that can be read, with the reason in
    /// <paramref name="trouble"/>.</summary>
    public byte[]? TryRead(out string? trouble)
    {
        trouble = null;
        try
        {
            return Read();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            trouble = failure.Message;
            return null;
        }
    }

    /// <summary>Replaces the content by what <paramref name="change"/> makes of it. A reader sees the old content or the new one.</summary>
    /// <exception cref="IOException">Locked for too long, not writable, or not a runtime cache; the file is as it was.</exception>
    public void Update(Func<byte[]?, byte[]> change)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        using FileStream held = Lock();
        byte[]? existing = Read();
        if (existing is { Length: > 0 } && !RuntimeCacheFormat.IsCache(existing))
        {
            throw new IOException($"'{path}' is no runtime cache and is not overwritten; name another file.");
        }

        string next = $"{path}.{Guid.NewGuid():N}.new";
        try
        {
            File.WriteAllBytes(next, change(existing));
            File.Move(next, path, overwrite: true);
        }
        catch
        {
            File.Delete(next);
            throw;
        }
    }

    private byte[]? Read() =>
        new FileInfo(path) switch
        {
            { Exists: false } => null,
            { Length: > MaxBytes and var length } => throw new IOException(
                $"'{path}' has {length} bytes, more than the {MaxBytes} that are read."
            ),
            _ => File.ReadAllBytes(path),
        };

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
            catch (IOException trouble) when (trouble.GetType() == typeof(IOException) && TimeProvider.System.GetElapsedTime(start) < limit)
            {
                pause.Wait(Pause);
            }
            catch (IOException trouble) when (trouble.GetType() == typeof(IOException))
            {
                throw new IOException($"'{path}' has been locked by another process for {limit.TotalSeconds:0.#} s.", trouble);
            }
        }
    }
}

namespace Troupe.Runtime.Engines.Caches;

/// <summary>Kernels that engines compiled at run time, kept so that nobody compiles them again (TensorRT-RTX: <c>IRuntimeCache</c>); shared
/// by the engines that name the same file.</summary>
/// <remarks>
/// What a file holds is parked as bytes until the first engine asks, and read then: a file nobody needs costs nothing, and one that is
/// damaged costs a warning.
/// <b>Owns</b> the entries. <b>Thread</b> any. <b>Blocks</b> whoever saves, at most for the limit of the file's lock; never those who look
/// for a kernel meanwhile.
/// </remarks>
internal sealed class RuntimeCache
{
    private readonly Lock _lock = new();
    private readonly Lock _saving = new();
    private readonly Dictionary<string, byte[]> _entries = new(StringComparer.Ordinal);
    private byte[]? _parked;
    private string? _damage;
    private long _changes;
    private long _saved;

    /// <param name="file">Where it is kept; null for memory alone.</param>
    public RuntimeCache(RuntimeCacheFile? file)
    {
        File = file;
        _parked = file?.TryRead(out _damage);
    }

    public RuntimeCacheFile? File { get; }

    /// <summary>Why what was read was not used, told once; null where all was well, or it was told.</summary>
    public string? ReportDamage() => Interlocked.Exchange(ref _damage, null);

    public int Count
    {
        get
        {
            lock (_lock)
            {
                Drain();
                return _entries.Count;
            }
        }
    }

    /// <summary>Bytes that were saved earlier, for a cache that lives in memory.</summary>
    public void Park(byte[] bytes)
    {
        lock (_lock)
        {
            _parked = bytes;
        }
    }

    public byte[]? Find(string key)
    {
        lock (_lock)
        {
            Drain();
            return _entries.GetValueOrDefault(key);
        }
    }

    public void Add(string key, byte[] kernel)
    {
        lock (_lock)
        {
            Drain();
            _entries[key] = kernel;
            _changes++;
        }
    }

    /// <summary>Everything in it as one piece; null when it is empty.</summary>
    public byte[]? Serialize()
    {
        lock (_lock)
        {
            Drain();
            return _entries.Count == 0 ? null : RuntimeCacheFormat.Write(_entries);
        }
    }

    /// <summary>Writes what is new, together with what others wrote to the file meanwhile. Nothing new: nothing is written, and an existing
    /// file stays.</summary>
    /// <exception cref="IOException">The file is locked by another for too long, or cannot be written; what is new stays new.</exception>
    /// <exception cref="UnauthorizedAccessException">The folder does not allow it.</exception>
    public void Save()
    {
        if (File is null)
        {
            return;
        }

        lock (_saving)
        {
            if (Interlocked.Read(ref _changes) == _saved)
            {
                return;
            }

            (KeyValuePair<string, byte[]>[] entries, long changes) = Copy();
            Merge(entries, File);
            _saved = changes;
        }
    }

    /// <summary>As <see cref="Save"/>, to another file and whether or not anything is new; an empty cache writes nothing.</summary>
    public void SaveTo(RuntimeCacheFile file)
    {
        (KeyValuePair<string, byte[]>[] entries, _) = Copy();
        if (entries.Length > 0)
        {
            Merge(entries, file);
        }
    }

    private (KeyValuePair<string, byte[]>[] Entries, long Changes) Copy()
    {
        lock (_lock)
        {
            Drain();
            return ([.. _entries], _changes);
        }
    }

    private void Merge(KeyValuePair<string, byte[]>[] entries, RuntimeCacheFile file) =>
        file.Update(existing =>
        {
            var merged = new Dictionary<string, byte[]>(entries, StringComparer.Ordinal);
            if (existing is not null)
            {
                RuntimeCacheFormat.Read(existing, merged, out string? damage);
                _damage ??= ReferenceEquals(file, File) ? damage : null;
            }

            return RuntimeCacheFormat.Write(merged);
        });

    private void Drain()
    {
        if (_parked is { } bytes)
        {
            _parked = null;
            RuntimeCacheFormat.Read(bytes, _entries, out string? damage);
            _damage ??= damage;
        }
    }
}

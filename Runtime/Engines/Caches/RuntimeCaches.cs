using Microsoft.Extensions.Logging;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Caches;

/// <summary>The runtime caches in use in this process, one per file however many name it, so that none overwrites what another
/// added.</summary>
/// <remarks><b>Owns</b> a cache from its first user to its last. <b>Thread</b> any. <b>Blocks</b> while a cache is read or saved.</remarks>
internal sealed partial class RuntimeCaches
{
    private const string Adopted = "private:";

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (RuntimeCache Cache, int Users)> _caches = new(StringComparer.Ordinal);

    /// <summary>A file belongs to the process, and so does this.</summary>
    public static RuntimeCaches OfProcess { get; } = new();

    /// <summary>The cache of a setting: a file's, or with an empty path the one in memory. Null where none is kept. Given back by
    /// <see cref="Release"/>.</summary>
    /// <exception cref="ForwardException">The path is not allowed; nothing was acquired.</exception>
    public RuntimeCache? Acquire(string? path, RuntimeCacheOptions options)
    {
        if (path is null)
        {
            return null;
        }

        lock (_lock)
        {
            bool isAdopted = !options.InFolderOnly && path.StartsWith(Adopted, StringComparison.Ordinal) && _caches.ContainsKey(path);
            string key = path.Length == 0 || isAdopted ? path : options.Resolve(path);
            RuntimeCache cache = _caches.TryGetValue(key, out (RuntimeCache Cache, int Users) known)
                ? known.Cache
                : new RuntimeCache(key.Length == 0 ? null : new RuntimeCacheFile(key, options.LockLimit));
            _caches[key] = (cache, known.Users + 1);
            return cache;
        }
    }

    /// <summary>Makes a cache known that is no file of this machine's; settings name it by what is returned.</summary>
    public string Adopt(RuntimeCache cache)
    {
        string name = $"{Adopted}{Guid.NewGuid():N}";
        lock (_lock)
        {
            _caches.Add(name, (cache, 1));
        }

        return name;
    }

    /// <summary>A user is done: what is new is saved now. Trouble is logged; what could not be saved is lost with its last user.</summary>
    public void Release(RuntimeCache? cache, ILogger log)
    {
        if (cache is null)
        {
            return;
        }

        try
        {
            cache.Save();
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            LogNotSaved(log, cache.File!.Path, trouble.Message);
        }

        if (cache.ReportDamage() is { } damage)
        {
            LogDamaged(log, cache.File?.Path ?? "in memory", damage);
        }

        lock (_lock)
        {
            (string key, (RuntimeCache _, int users)) = _caches.Single(entry => ReferenceEquals(entry.Value.Cache, cache));
            if (users == 1)
            {
                _caches.Remove(key);
            }
            else
            {
                _caches[key] = (cache, users - 1);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The runtime cache {Path} was not used: {Damage}")]
    private static partial void LogDamaged(ILogger log, string path, string damage);

    [LoggerMessage(Level = LogLevel.Error, Message = "The runtime cache {Path} could not be saved: {Trouble}")]
    private static partial void LogNotSaved(ILogger log, string path, string trouble);
}

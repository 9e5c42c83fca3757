using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Scopes;

/// <summary>One cache of compiled kernels for some modules, which the caller saves or which goes to a stream (seed: <c>runtime_cache</c>
/// with <c>autosave</c> off, or with a stream).</summary>
/// <remarks><b>Owns</b> the cache. <b>Thread</b> any. <b>Blocks</b> in <see cref="Dispose"/> while the modules finish work in
/// flight.</remarks>
public sealed partial class RuntimeCacheScope : IDisposable
{
    private readonly RuntimeCache _cache = new(file: null);
    private readonly EnteredMode _mode;
    private readonly Action<byte[]>? _atEnd;
    private readonly ILogger _log;
    private int _ended;

    internal RuntimeCacheScope(IReadOnlyList<IModeTarget> modules, byte[] saved, Action<byte[]>? atEnd, ILogger? log)
    {
        _atEnd = atEnd;
        _log = log ?? NullLogger.Instance;
        if (saved.Length > 0)
        {
            _cache.Park(saved);
        }

        string name = RuntimeCaches.OfProcess.Adopt(_cache);
        try
        {
            _mode = ModeScopeVerbs.RuntimeConfig(modules, cache: RuntimeCacheChoice.File(name));
        }
        catch
        {
            RuntimeCaches.OfProcess.Release(_cache, _log);
            throw;
        }
    }

    /// <summary>Kernels in it now.</summary>
    public int Count => _cache.Count;

    /// <summary>Writes the cache to a file, together with what others wrote there meanwhile; an empty one writes nothing.</summary>
    /// <exception cref="ForwardException">The file cannot be written; it is as it was.</exception>
    public void Save(string path)
    {
        try
        {
            _cache.SaveTo(new RuntimeCacheFile(Path.GetFullPath(path), new RuntimeCacheOptions().LockLimit));
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            throw new ForwardException(
                FailureKind.InvalidRequest,
                $"The runtime cache cannot be written to '{path}': {trouble.Message}",
                trouble
            );
        }
    }

    /// <summary>Takes the cache from the modules and, if it came with a stream, writes it there once. Never throws: trouble is
    /// logged.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return;
        }

        _mode.Dispose();
        RuntimeCaches.OfProcess.Release(_cache, _log);
        if (_atEnd is not null && _cache.Serialize() is { } bytes)
        {
            try
            {
                _atEnd(bytes);
            }
            catch (Exception trouble) when (trouble is IOException or NotSupportedException or ObjectDisposedException)
            {
                LogNotWritten(_log, trouble);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "A runtime cache could not be written to the stream it came with")]
    private static partial void LogNotWritten(ILogger log, Exception trouble);
}

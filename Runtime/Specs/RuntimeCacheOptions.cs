using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Specs;

/// <summary>Where runtime caches may lie, and how patient saving one is.</summary>
/// <param name="Folder">Names are files in it; null: a folder of this user below the system's temporary one.</param>
/// <param name="InFolderOnly">Refuses paths that lead elsewhere: those who ask are not those who own this machine.</param>
public sealed record RuntimeCacheOptions(string? Folder = null, bool InFolderOnly = false)
{
    /// <summary>How long to wait for another process that is writing the same file.</summary>
    /// <value>10 s, as torch_tensorrt has it.</value>
    public TimeSpan LockLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Told of caches that could not be read or saved, which fails no forward.</summary>
    public ILogger Log { get; init; } = NullLogger.Instance;

    /// <summary>The absolute path of a cache.</summary>
    /// <exception cref="ForwardException">The path leads out of the folder, where that is not allowed.</exception>
    public string Resolve(string path) =>
        InFolderOnly && ModeValidation.CacheName(path) is { } refusal
            ? throw new ForwardException(refusal.Kind, refusal.Reason)
            : Path.GetFullPath(
                Path.Combine(Folder ?? Path.Combine(Path.GetTempPath(), $"troupe-{Environment.UserName}", "runtime-caches"), path)
            );
}

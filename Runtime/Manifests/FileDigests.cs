using System.Collections.Concurrent;
using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Manifests;

/// <summary>The files a module was read from, each by the SHA-256 of its bytes: written down where it is read first, required where it is
/// read again, so that nothing changes in between.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
public sealed class FileDigests
{
    private readonly ConcurrentDictionary<string, string> _digests;
    private readonly bool _areRequired;

    /// <summary>Writes down what is read.</summary>
    public FileDigests() => _digests = new(StringComparer.Ordinal);

    /// <summary>Requires that what is read is what was read before.</summary>
    /// <param name="read">Of every file, by its absolute path.</param>
    public FileDigests(IReadOnlyDictionary<string, string> read)
    {
        _digests = new(read, StringComparer.Ordinal);
        _areRequired = true;
    }

    /// <summary>SHA-256 by absolute path, in lower-case hexadecimal digits.</summary>
    public IReadOnlyDictionary<string, string> ByPath => _digests;

    /// <summary>A file's bytes were read.</summary>
    /// <exception cref="ModuleLoadException">They are not those that were read before.</exception>
    internal void Note(string path, ReadOnlySpan<byte> bytes) => NoteDigest(path, SHA256.HashData(bytes));

    /// <inheritdoc cref="Note"/>
    internal void NoteDigest(string path, ReadOnlySpan<byte> sha256)
    {
        string full = Path.GetFullPath(path),
            digest = Convert.ToHexStringLower(sha256);
        if (_areRequired ? _digests.GetValueOrDefault(full) != digest : _digests.GetOrAdd(full, digest) != digest)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{full}' has changed since the model was tried in a process of its own, so that it was not loaded. Load it again once nobody writes it."
            );
        }
    }
}

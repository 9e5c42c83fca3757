using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Manifests;

/// <summary>Reads files that belong to a module, inside its folder only and up to a size that fits one array.</summary>
internal static class ModuleFiles
{
    /// <summary>A manifest is small text; more is refused before it is read.</summary>
    public const long MaxManifestBytes = 1 << 20;

    /// <summary>Weights beyond this belong into external data files.</summary>
    public const long MaxEngineBytes = 0x7FFF_FFC7;

    /// <param name="files">Where the file is written down or required; null where nobody asks.</param>
    /// <exception cref="ModuleLoadException">Missing, unreadable, empty or larger than <paramref name="limit"/>, or not the file that is
    /// required.</exception>
    public static byte[] Read(string path, FileDigests? files, long limit = MaxEngineBytes)
    {
        byte[] bytes = Read(path, limit);
        files?.Note(path, bytes);
        return bytes;
    }

    /// <inheritdoc cref="Read(string, FileDigests?, long)"/>
    public static byte[] Read(string path, long limit = MaxEngineBytes)
    {
        using FileStream file = Open(path);
        if (file.Length > limit)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{path}' has {file.Length} bytes, more than the {limit} that are read. Put weights into external data files."
            );
        }

        return Reading(
            path,
            () =>
            {
                byte[] bytes = new byte[file.Length];
                file.ReadExactly(bytes);
                return bytes;
            }
        );
    }

    /// <summary>A file's first bytes, fewer where it is shorter.</summary>
    /// <exception cref="ModuleLoadException">Missing, unreadable or empty.</exception>
    public static byte[] ReadHead(string path, int bytes)
    {
        using FileStream file = Open(path);
        return Reading(
            path,
            () =>
            {
                byte[] head = new byte[bytes];
                return head[..file.ReadAtLeast(head, bytes, throwOnEndOfStream: false)];
            }
        );
    }

    /// <summary>SHA-256 of a file, whatever its size.</summary>
    /// <inheritdoc cref="Read(string, FileDigests?, long)"/>
    public static byte[] Digest(string path, FileDigests? files)
    {
        using FileStream file = Open(path);
        return Digest(file, path, files);
    }

    /// <summary>SHA-256 of a file that is open, from its beginning.</summary>
    /// <inheritdoc cref="Read(string, FileDigests?, long)"/>
    public static byte[] Digest(FileStream file, string path, FileDigests? files)
    {
        file.Position = 0;
        byte[] digest = Reading(path, () => SHA256.HashData(file));
        files?.NoteDigest(path, digest);
        return digest;
    }

    /// <summary>Has a library read files by their paths; where somebody asks they are what is required before it and after it. What they
    /// were in between is not seen, nor what becomes of them while the library keeps them mapped.</summary>
    /// <exception cref="ModuleLoadException">One is no regular file, or not the one that is required; what was made of it is
    /// gone.</exception>
    public static T WhileUnchanged<T>(IReadOnlyList<string> paths, FileDigests? files, Func<T> read)
        where T : IDisposable
    {
        foreach (string path in paths)
        {
            Admit(path, files);
        }

        T made = read();
        try
        {
            foreach (string path in files is null ? [] : paths)
            {
                Digest(path, files);
            }

            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }

    private static void Admit(string path, FileDigests? files)
    {
        if (files is not null)
        {
            Digest(path, files);
        }
        else if (File.Exists(path))
        {
            Reading(path, () => RegularFile.Open(path)).Dispose();
        }
    }

    /// <summary>A file to read from its beginning, whatever its size.</summary>
    /// <exception cref="ModuleLoadException">Missing, unreadable or empty.</exception>
    public static FileStream Open(string path)
    {
        FileStream file = Reading(path, () => new FileStream(RegularFile.Open(path), FileAccess.Read));
        if (file.Length > 0)
        {
            return file;
        }

        file.Dispose();
        throw new ModuleLoadException(FailureKind.InvalidModel, $"'{path}' is empty.");
    }

    private static T Reading<T>(string path, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception trouble) when (trouble is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new ModuleLoadException(FailureKind.NotFound, $"There is no file '{path}'.", trouble);
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"'{path}' cannot be read: {trouble.Message}", trouble);
        }
    }

    /// <summary>The absolute path of a file that a manifest names; refuses everything outside its folder.</summary>
    public static string Resolve(string folder, string file, string owner)
    {
        string full = Path.GetFullPath(Path.Combine(folder, file));
        return !Path.IsPathRooted(file) && RealPath.IsInside(full, folder) && !LeavesByLink(full, Path.GetFullPath(folder))
            ? full
            : throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{owner}' names the file '{file}', which is outside the module's folder '{folder}'. Files stand beside module.json or below it."
            );
    }

    private static bool LeavesByLink(string full, string folder)
    {
        try
        {
            return !RealPath.IsInside(RealPath.Of(full), RealPath.Of(folder));
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"'{full}' cannot be read: {trouble.Message}", trouble);
        }
    }
}

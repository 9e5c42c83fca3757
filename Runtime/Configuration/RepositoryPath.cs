using Troupe.Messages.Failures;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Paths of files in a model repository: inside a folder by their names, inside the repository by their links.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
public static class RepositoryPath
{
    /// <summary>The absolute path of a file that <paramref name="owner"/> names.</summary>
    /// <param name="repository">Where links may lead.</param>
    /// <param name="folder">Where the file has to stand.</param>
    /// <exception cref="ModuleLoadException">It is outside.</exception>
    internal static string Resolve(string repository, string folder, string file, string owner)
    {
        if (file.Contains('\0', StringComparison.Ordinal))
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"{owner} names a file with a NUL character.");
        }

        string full = Path.GetFullPath(Path.Combine(folder, file));
        if (Path.IsPathRooted(file) || !RealPath.IsInside(full, folder))
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"{owner} names the file '{ConfigurationText.Shown(file)}', which is outside '{folder}'. Put the file there and name it relative to it."
            );
        }

        return Confine(repository, full, owner);
    }

    /// <summary>Whether a path, its links followed, leads to one of these folders or below it; what cannot be followed does not.</summary>
    public static bool LeadsBelow(string path, IReadOnlyList<string> folders)
    {
        ArgumentNullException.ThrowIfNull(path);
        try
        {
            string real = RealPath.Of(Path.GetFullPath(path));
            return folders
                .Select(folder => RealPath.Of(Path.GetFullPath(folder)))
                .Any(root => real == root || RealPath.IsInside(real, root));
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Refuses a path that a link leads out of the repository.</summary>
    /// <param name="repository">Where links may lead.</param>
    /// <param name="full">An absolute path in it.</param>
    /// <param name="owner">What the path is, for the error.</param>
    /// <returns><paramref name="full"/>, its links as they are.</returns>
    /// <exception cref="ModuleLoadException">It is outside, or cannot be read.</exception>
    public static string Confine(string repository, string full, string owner)
    {
        try
        {
            string real = RealPath.Of(full);
            return RealPath.IsInside(real, RealPath.Of(Path.GetFullPath(repository)))
                ? full
                : throw new ModuleLoadException(
                    FailureKind.InvalidModel,
                    $"{owner}: '{full}' is a link out of the model repository, to '{real}'. Put the files into the repository."
                );
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            throw new ModuleLoadException(FailureKind.InvalidModel, $"{owner}: '{full}' cannot be read: {trouble.Message}", trouble);
        }
    }
}

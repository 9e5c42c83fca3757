using System.Buffers;
using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Models;

/// <summary>How a model's folder is laid out: its name, its version folders, and the one file in each that is the model.</summary>
internal static class ModelFolder
{
    /// <summary>What is said of a name that is none.</summary>
    public const string NameRule =
        "A model's name stands in paths of requests, where nothing is decoded: use 1 to 255 of the letters A to Z and a to z, digits and "
        + "-._~!$&'()*+,;=:@, not beginning with '.'.";

    /// <summary>Files a version folder is searched for: a manifest, whose parts may have any name, or one lone model.</summary>
    private static readonly string[] Files = [.. RepositoryFiles.Names];

    private static readonly string[] LoneFiles =
    [
        .. Files.Where(file => file != RepositoryFiles.Manifest).Select(file => Path.GetExtension(file)),
    ];

    /// <summary>What may stand in a segment of a URL as it is.</summary>
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
    );

    public static bool IsName(string? name) =>
        name is { Length: > 0 and <= 255 } && name[0] != '.' && !name.AsSpan().ContainsAnyExcept(NameCharacters);

    /// <exception cref="ModuleLoadException">It asks for no name of a model, or for no number of a version.</exception>
    public static void Check(LoadModel load)
    {
        if (!IsName(load.Name))
        {
            throw new ModuleLoadException(FailureKind.InvalidRequest, $"'{load.Name}' is not a model name. {NameRule}");
        }

        if (load.Number is { } wanted and < 1)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidRequest,
                $"Version {wanted} of model '{load.Name}' is out of range; versions count from 1."
            );
        }
    }

    /// <summary>Whether a file is a model that lies where a folder should.</summary>
    public static bool IsLone(string file) => LoneFiles.Contains(Path.GetExtension(file));

    /// <summary>The number that a version folder's name is, spelled as the number is: a folder <c>01</c> would be found by no other name
    /// than its own; 0: it is none.</summary>
    public static int NumberOf(ReadOnlySpan<char> name) =>
        !name.StartsWith('0') && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0;

    /// <summary>Numbers of the version folders, rising.</summary>
    public static IEnumerable<int> Versions(string model) =>
        Directory.EnumerateDirectories(model).Select(path => NumberOf(Path.GetFileName(path.AsSpan()))).Where(number => number > 0).Order();

    /// <summary>Whether nothing in a version folder is a model.</summary>
    public static bool IsEmpty(string version) => !Array.Exists(Files, file => File.Exists(Path.Combine(version, file)));

    public static string NoVersion(string model) =>
        $"it has no version folder; {Path.Combine(model, "1")} with one of {string.Join(", ", Files)} is expected.";

    /// <summary>Of the names of files in a version folder the one that is the model.</summary>
    /// <param name="folder">What to call the folder in errors.</param>
    /// <exception cref="ModuleLoadException">None is, or several are.</exception>
    public static string FileIn(string folder, Predicate<string> isThere)
    {
        string[] found = [.. Files.Where(file => isThere(file))];
        return found switch
        {
            [] => throw new ModuleLoadException(FailureKind.NotFound, $"The folder {folder} holds none of {string.Join(", ", Files)}."),
            [RepositoryFiles.Manifest, ..] or [_] => found[0],
            _ => throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The folder {folder} holds {string.Join(" and ", found)}, which are models each. Leave one, or describe the module in a {RepositoryFiles.Manifest}."
            ),
        };
    }

    /// <summary>A step that looks for the files of a version that was found; its refusals name the version.</summary>
    public static T OfVersion<T>(ModelReference version, Func<T> find)
    {
        try
        {
            return find();
        }
        catch (ModuleLoadException refused)
        {
            throw new ModuleLoadException(refused.Kind, refused.Message, refused) { Version = version };
        }
    }

    /// <summary>The model at a path, which is its file or the folder that holds it.</summary>
    /// <exception cref="ModuleLoadException">There is none.</exception>
    public static string FileAt(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ModuleLoadException(FailureKind.InvalidRequest, "The path holds a NUL character.");
        }

        string full = Path.GetFullPath(path);
        return File.Exists(full) ? full
            : Directory.Exists(full) ? Path.Combine(full, FileIn(full, file => File.Exists(Path.Combine(full, file))))
            : throw new ModuleLoadException(FailureKind.NotFound, $"There is no file or folder {full}.");
    }

    /// <summary>The same for somebody from outside, who may name paths below some folders only: of any other path the same is said, whether
    /// something is there or not.</summary>
    /// <exception cref="ModuleLoadException">There is none, or it is outside, links followed.</exception>
    public static string FileBelow(IReadOnlyList<string> roots, string name, string path)
    {
        string? file = RepositoryPath.LeadsBelow(path, roots) ? FileAt(path) : null;
        return file is not null && RepositoryPath.LeadsBelow(file, roots)
            ? file
            : throw new ModuleLoadException(
                FailureKind.InvalidRequest,
                $"Model '{name}' is not loaded from this path: from outside only paths below a --models or --allow-path folder of the node may be named."
            );
    }
}

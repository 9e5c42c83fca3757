using System.Buffers;
using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Models;

/// <summary>A model repository folder as Triton lays it out: <c>NAME/VERSION/model.onnx</c>, an artifact such as
/// <c>NAME/VERSION/model.plan</c>, or <c>NAME/VERSION/module.json</c>.</summary>
/// <param name="folder">The repository; null for a node without one, which loads by path only.</param>
/// <param name="note">Told, once per entry, what is passed over and why.</param>
public sealed class FolderModelRepository(string? folder, Action<string> note) : IModelRepository
{
    /// <summary>Files a version folder is searched for: a manifest, whose parts may have any name, or one lone model.</summary>
    private static readonly string[] Files = [.. RepositoryFiles.Names];

    private static readonly string[] LoneFiles =
    [
        .. Files.Where(file => file != RepositoryFiles.Manifest).Select(file => Path.GetExtension(file)),
    ];

    private const string NameRule =
        "A model's name stands in paths of requests, where nothing is decoded: use 1 to 255 of the letters A to Z and a to z, digits and "
        + "-._~!$&'()*+,;=:@, not beginning with '.'.";

    /// <summary>What may stand in a segment of a URL as it is.</summary>
    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
    );

    private readonly string? _folder = folder is null ? null : Path.GetFullPath(folder);
    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);

    public IReadOnlyList<ModelReference> List()
    {
        if (_folder is null)
        {
            return [];
        }

        var found = new List<ModelReference>();
        foreach (string path in Entries(_folder))
        {
            string name = Path.GetFileName(path);
            if (Skipped(path, name, out int[] numbers) is not { } reason)
            {
                found.AddRange(numbers.Select(number => new ModelReference(name, number)));
            }
            else if (Note(name))
            {
                note($"'{path}' is skipped: {reason}");
            }
        }

        return found;
    }

    /// <summary>Its folders, and the model files that lie where a folder should.</summary>
    private static IEnumerable<string> Entries(string folder) =>
        Directory
            .EnumerateDirectories(folder)
            .Concat(Directory.EnumerateFiles(folder).Where(file => LoneFiles.Contains(Path.GetExtension(file))))
            .Where(path => !Path.GetFileName(path.AsSpan()).StartsWith('.'))
            .Order(StringComparer.Ordinal);

    /// <summary>Why an entry of the repository is no model; null where it is one, in at least one version.</summary>
    private static string? Skipped(string path, string name, out int[] numbers)
    {
        numbers = [];
        if (File.Exists(path))
        {
            return $"a model is a folder; {Path.GetFileNameWithoutExtension(name)}/1/ is the place of this file.";
        }

        if (!IsName(name))
        {
            return NameRule;
        }

        try
        {
            numbers = [.. Versions(path)];
            return numbers.Length > 0 ? null : NoVersion(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"it cannot be read: {unreadable.Message}";
        }
    }

    public ModuleSource Resolve(LoadModel load)
    {
        CheckName(load);
        if (load.Number is { } wanted and < 1)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidRequest,
                $"Version {wanted} of model '{load.Name}' is out of range; versions count from 1."
            );
        }

        return load.Path is { } path ? new ModuleSource(new ModelReference(load.Name, load.Number ?? 1), FileAt(path)) : FromFolder(load);
    }

    public IReadOnlyList<int> VersionsOf(LoadModel load)
    {
        string model = FolderOf(load);
        int[] present = [.. Versions(model)];
        return GivenConfiguration.Read(_folder!, model) is { } given ? given.Versions(present) : [.. present.TakeLast(1)];
    }

    private ModuleSource FromFolder(LoadModel load)
    {
        string model = FolderOf(load);
        GivenConfiguration? given = GivenConfiguration.Read(_folder!, model);
        int number = load.Number ?? (given is null ? Versions(model).DefaultIfEmpty().Max() : given.Versions([.. Versions(model)])[^1]);
        string version = Path.Combine(model, number.ToString(CultureInfo.InvariantCulture));
        if (number == 0 || !Directory.Exists(version))
        {
            throw new ModuleLoadException(
                FailureKind.NotFound,
                number == 0
                    ? $"Model '{load.Name}' is not in the repository: {NoVersion(model)}"
                    : $"Model '{load.Name}' has no version {number} in {model}."
            );
        }

        foreach (string remark in given?.Remarks() ?? [])
        {
            if (Note(load.Name))
            {
                note($"'{given!.Path}': {remark}");
            }
        }

        string file =
            given?.Refusal() is not null ? version
            : given is { ModelFile.Length: > 0 } ? given.FileOf(version)
            : Confined(FileAt(Confined(version, load)), load);
        return new ModuleSource(new ModelReference(load.Name, number), file) { Configuration = given };
    }

    /// <summary>The folder of a model that is asked for by name.</summary>
    private string FolderOf(LoadModel load)
    {
        CheckName(load);
        if (_folder is null)
        {
            throw new ModuleLoadException(
                FailureKind.NotFound,
                $"Model '{load.Name}' cannot be found by name: the node has no model repository. Give it one with --models, or load by path."
            );
        }

        string model = Path.Combine(_folder, load.Name);
        return Directory.Exists(model)
            ? Confined(model, load)
            : throw new ModuleLoadException(FailureKind.NotFound, $"The model repository {_folder} has no model '{load.Name}'.");
    }

    /// <summary>What is found by its name lies in the repository, links followed; what is loaded by path lies where it may.</summary>
    private string Confined(string path, LoadModel load) => RepositoryPath.Confine(_folder!, path, $"Model '{load.Name}'");

    private bool Note(string name)
    {
        lock (_noted)
        {
            return _noted.Add(name);
        }
    }

    private static string FileAt(string path)
    {
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new ModuleLoadException(FailureKind.InvalidRequest, "The path holds a NUL character.");
        }

        string full = Path.GetFullPath(path);
        if (File.Exists(full))
        {
            return full;
        }

        if (!Directory.Exists(full))
        {
            throw new ModuleLoadException(FailureKind.NotFound, $"There is no file or folder {full}.");
        }

        string[] found = [.. Files.Where(file => File.Exists(Path.Combine(full, file)))];
        if (found.Length > 1 && found[0] != RepositoryFiles.Manifest)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The folder {full} holds {string.Join(" and ", found)}, which are models each. Leave one, or describe the module in a {RepositoryFiles.Manifest}."
            );
        }

        if (found.Length > 0)
        {
            return Path.Combine(full, found[0]);
        }

        throw new ModuleLoadException(FailureKind.NotFound, $"The folder {full} holds none of {string.Join(", ", Files)}.");
    }

    private static IEnumerable<int> Versions(string model) =>
        Directory
            .EnumerateDirectories(model)
            .Select(path =>
                int.TryParse(Path.GetFileName(path), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : 0
            )
            .Where(number => number > 0)
            .Order();

    private static string NoVersion(string model) =>
        $"it has no version folder; {Path.Combine(model, "1")} with one of {string.Join(", ", Files)} is expected.";

    private static void CheckName(LoadModel load)
    {
        if (!IsName(load.Name))
        {
            throw new ModuleLoadException(FailureKind.InvalidRequest, $"'{load.Name}' is not a model name. {NameRule}");
        }
    }

    private static bool IsName(string? name) =>
        name is { Length: > 0 and <= 255 } && name[0] != '.' && !name.AsSpan().ContainsAnyExcept(NameCharacters);
}

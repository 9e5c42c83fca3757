using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Models;

/// <summary>Model repositories, folders as Triton lays them out: <c>NAME/VERSION/model.onnx</c>, an artifact such as
/// <c>NAME/VERSION/model.plan</c>, or <c>NAME/VERSION/module.json</c>.</summary>
public sealed class FolderModelRepository : IModelRepository
{
    private readonly string[] _folders;
    private readonly Action<string> _note;
    private readonly HashSet<string> _noted;
    private readonly GivenModel? _given;
    private readonly bool _isForOthers;

    /// <param name="folders">The repositories; none for a node without one, which loads by path only.</param>
    /// <param name="note">Told, once per entry, what is passed over and why.</param>
    public FolderModelRepository(IReadOnlyList<string> folders, Action<string> note)
    {
        ArgumentNullException.ThrowIfNull(folders);
        _folders = [.. folders.Select(Path.GetFullPath)];
        _note = note;
        _noted = new(StringComparer.Ordinal);
    }

    /// <inheritdoc cref="FolderModelRepository(IReadOnlyList{string}, Action{string})"/>
    /// <param name="folder">The one repository.</param>
    public FolderModelRepository(string folder, Action<string> note)
        : this([folder], note) { }

    private FolderModelRepository(FolderModelRepository repository, GivenModel? given, bool isForOthers)
    {
        (_folders, _note, _noted) = (repository._folders, repository._note, repository._noted);
        (PathFolders, _given, _isForOthers) = (repository.PathFolders, given, isForOthers);
    }

    /// <summary>Folders beside the repositories below which a path that others name may lie.</summary>
    public IReadOnlyList<string> PathFolders { get; init; } = [];

    /// <summary>Loads by path only from the repositories and <see cref="PathFolders"/>.</summary>
    public IModelRepository ForOthers => new FolderModelRepository(this, _given, isForOthers: true);

    public IReadOnlyList<ModelReference> List()
    {
        var found = new List<ModelReference>();
        foreach (string folder in _folders)
        {
            foreach (string path in Entries(folder))
            {
                string name = Path.GetFileName(path);
                if (Skipped(folder, path, name, out int[] numbers) is not { } reason)
                {
                    found.AddRange(numbers.Select(number => new ModelReference(name, number)));
                }
                else if (Note(path))
                {
                    _note($"'{path}' is skipped: {reason}");
                }
            }
        }

        return found;
    }

    public IReadOnlyList<string> Names()
    {
        var names = new SortedSet<string>(StringComparer.Ordinal);
        foreach (string folder in _folders)
        {
            try
            {
                names.UnionWith(
                    Directory
                        .EnumerateDirectories(folder)
                        .Select(path => Path.GetFileName(path))
                        .Where(name => ModelFolder.IsName(name) && OutsideOf(folder, Path.Combine(folder, name)) is null)
                );
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                // What cannot be read has nothing to ask for.
            }
        }

        return [.. names];
    }

    /// <summary>What its models look like now, by the names, lengths and times of their files.</summary>
    /// <exception cref="IOException">A repository cannot be read: nothing is known of any model in it.</exception>
    /// <exception cref="UnauthorizedAccessException">The same.</exception>
    public RepositoryLook Look()
    {
        Dictionary<string, string> models = new(StringComparer.Ordinal),
            unreadable = new(StringComparer.Ordinal);
        foreach (string folder in _folders)
        {
            foreach (string path in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            {
                string name = Path.GetFileName(path);
                if (!ModelFolder.IsName(name) || OutsideOf(folder, path) is not null)
                {
                    continue;
                }

                try
                {
                    models[name] = models.GetValueOrDefault(name, "") + FolderLook.Of(folder, path);
                }
                catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
                {
                    unreadable[name] = $"'{path}' cannot be read: {trouble.Message}";
                }
            }

            if (!Directory.Exists(folder))
            {
                // It went while it was looked at: what was seen of it is not what it held.
                throw new DirectoryNotFoundException($"The model repository '{folder}' is gone.");
            }
        }

        foreach (string name in unreadable.Keys)
        {
            models.Remove(name);
        }

        return new RepositoryLook(models, unreadable);
    }

    public IModelRepository With(GivenModel given)
    {
        ArgumentNullException.ThrowIfNull(given);
        return given.Files.Count > 0 ? new HeldModelRepository(given) : new FolderModelRepository(this, given, _isForOthers);
    }

    /// <summary>Its folders, and the model files that lie where a folder should.</summary>
    private static IEnumerable<string> Entries(string folder) =>
        Directory
            .EnumerateDirectories(folder)
            .Concat(Directory.EnumerateFiles(folder).Where(ModelFolder.IsLone))
            .Where(path => !Path.GetFileName(path.AsSpan()).StartsWith('.'))
            .Order(StringComparer.Ordinal);

    /// <summary>Why an entry of the repository is no model; null where it is one, in at least one version.</summary>
    private static string? Skipped(string folder, string path, string name, out int[] numbers)
    {
        numbers = [];
        if (File.Exists(path))
        {
            return $"a model is a folder; {Path.GetFileNameWithoutExtension(name)}/1/ is the place of this file.";
        }

        if (!ModelFolder.IsName(name))
        {
            return ModelFolder.NameRule;
        }

        if (OutsideOf(folder, path) is { } outside)
        {
            return outside;
        }

        try
        {
            numbers = [.. ModelFolder.Versions(path)];
            return numbers.Length > 0 ? null : ModelFolder.NoVersion(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return $"it cannot be read: {unreadable.Message}";
        }
    }

    /// <summary>Why a folder is not in its repository, a link out of it; null where it is.</summary>
    private static string? OutsideOf(string folder, string path)
    {
        try
        {
            RepositoryPath.Confine(folder, path, "it");
            return null;
        }
        catch (ModuleLoadException outside)
        {
            return outside.Message;
        }
    }

    public ModuleSource Resolve(LoadModel load)
    {
        ArgumentNullException.ThrowIfNull(load);
        ModelFolder.Check(load);
        if (load.Path is not { } path)
        {
            return FromFolder(load);
        }

        string file = _isForOthers ? ModelFolder.FileBelow([.. _folders, .. PathFolders], load.Name, path) : ModelFolder.FileAt(path);
        return new ModuleSource(new ModelReference(load.Name, load.Number ?? 1), file);
    }

    public IReadOnlyList<int> VersionsOf(LoadModel load)
    {
        (string repository, string model) = FolderOf(load);
        int[] present = [.. ModelFolder.Versions(model)];
        return Configuration(repository, model) is { } given ? given.Versions(present) : [.. present.TakeLast(1)];
    }

    private ModuleSource FromFolder(LoadModel load)
    {
        (string repository, string model) = FolderOf(load);
        GivenConfiguration? given = Configuration(repository, model);
        int[] present = [.. ModelFolder.Versions(model)];
        int number = load.Number ?? (given is null ? present.LastOrDefault() : given.Versions(present)[^1]);
        string version = Path.Combine(model, number.ToString(CultureInfo.InvariantCulture));
        if (number == 0 || !Directory.Exists(version))
        {
            throw new ModuleLoadException(
                FailureKind.NotFound,
                number == 0
                    ? $"Model '{load.Name}' is not in the repository: {ModelFolder.NoVersion(model)}"
                    : $"Model '{load.Name}' has no version {number} in {model}."
            );
        }

        foreach (string remark in given?.Remarks() ?? [])
        {
            if (Note(model))
            {
                _note($"'{given!.Path}': {remark}");
            }
        }

        var found = new ModelReference(load.Name, number);
        string file = ModelFolder.OfVersion(
            found,
            () =>
                given?.Refusal() is not null ? version
                : given is { ModelFile.Length: > 0 } ? given.FileOf(version)
                : ModelFolder.IsEmpty(Confined(version)) && RepositoryFiles.NameFor(given?.Platform ?? "") is { } missing
                    ? throw new ModuleLoadException(
                        FailureKind.NotFound,
                        $"Internal: failed to stat file {Path.GetFileName(repository)}/{load.Name}/{number}/{missing}"
                    )
                : Confined(ModelFolder.FileAt(version))
        );
        return new ModuleSource(found, file) { Configuration = given };

        string Confined(string path) => RepositoryPath.Confine(repository, path, $"Model '{load.Name}'");
    }

    private GivenConfiguration? Configuration(string repository, string model) =>
        _given is { } given
            ? GivenConfiguration.OfJson(repository, model, given.Configuration)
            : GivenConfiguration.Read(repository, model);

    /// <summary>The folder of a model that is asked for by name, and the repository that it is in, links followed; what is loaded by path
    /// lies where it may.</summary>
    private (string Repository, string Model) FolderOf(LoadModel load)
    {
        ModelFolder.Check(load);
        if (_folders.Length == 0)
        {
            throw new ModuleLoadException(
                FailureKind.NotFound,
                $"Model '{load.Name}' cannot be found by name: the node has no model repository. Give it one with --models, or load by path."
            );
        }

        string[] found = [.. _folders.Where(folder => Directory.Exists(Path.Combine(folder, load.Name)))];
        return found switch
        {
            [var repository] => (
                repository,
                RepositoryPath.Confine(repository, Path.Combine(repository, load.Name), $"Model '{load.Name}'")
            ),
            [] => throw new ModuleLoadException(
                FailureKind.NotFound,
                $"The model repository {string.Join(" and ", _folders)} has no model '{load.Name}'."
            ),
            _ => throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Model '{load.Name}' is in {string.Join(" and in ", found)}. Leave it in one of these repositories, or rename one."
            ),
        };
    }

    private bool Note(string path)
    {
        lock (_noted)
        {
            return _noted.Add(path);
        }
    }
}

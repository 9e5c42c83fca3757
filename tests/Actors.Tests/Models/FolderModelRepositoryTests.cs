using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Tests.Models;

public sealed class FolderModelRepositoryTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("troupe-repository-").FullName;
    private readonly List<string> _notes = [];
    private readonly FolderModelRepository _repository;

    public FolderModelRepositoryTests()
    {
        Write("classifier/1/model.onnx");
        Write("classifier/10/model.onnx");
        Write("classifier/2/module.json");
        Write("classifier/config.pbtxt", "version_policy { all { } } dynamic_batching { }");
        Write("empty/readme.txt");
        Write("bare/1/notes.txt");
        Write(".hidden/1/model.onnx");
        _repository = new FolderModelRepository(_folder, _notes.Add);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(null, "classifier/10/model.onnx", 10)]
    [InlineData(1, "classifier/1/model.onnx", 1)]
    [InlineData(2, "classifier/2/module.json", 2)]
    public void The_highest_version_by_number_or_the_one_asked_for(int? asked, string file, int number)
    {
        ModuleSource source = _repository.Resolve(new LoadModel("classifier", asked));
        Assert.Equal((Path.Combine(_folder, file), number), (source.Path, source.Model.Number));
    }

    [Theory]
    [InlineData("{}", "5/model.onnx 12/model.onnx 12/labels.txt", "12", "m/12/model.onnx")]
    [InlineData("""{"version_policy":{"all":{}}}""", "5/model.onnx 12/model.onnx", "5 12", "m/12/model.onnx")]
    [InlineData("""{"default_model_filename":"own.onnx"}""", "1/own.onnx", "1", "m/1/own.onnx")]
    public void What_a_load_brings_along_whole_is_the_models_folder(string configuration, string files, string versions, string path)
    {
        IModelRepository held = _repository.With(Given(configuration, files));
        Assert.Equal(versions, string.Join(' ', held.VersionsOf(new LoadModel("m"))));
        ModuleSource source = held.Resolve(new LoadModel("m"));
        Assert.Equal(path, source.Path);
        Assert.All(source.Held!.Keys, name => Assert.DoesNotContain('/', name));
    }

    [Fact]
    public void A_folder_that_spells_its_number_otherwise_is_no_version()
    {
        Write("spelled/01/model.onnx");
        Write("spelled/002/model.onnx");
        Assert.DoesNotContain("spelled", _repository.List().Select(model => model.Name));
        Write("spelled/1/model.onnx");
        Assert.Equal([1], _repository.List().Where(model => model.Name == "spelled").Select(model => model.Number));
        Assert.Equal(Path.Combine(_folder, "spelled/1/model.onnx"), _repository.Resolve(new LoadModel("spelled")).Path);
    }

    [Theory]
    [InlineData("{}", "1/readme.txt", "holds none of", 1)]
    [InlineData("{}", "readme.txt", "at least one version must be available", null)]
    [InlineData("{", "1/model.onnx", "the configuration of the load", null)]
    public void What_a_load_brings_along_and_is_no_model_is_refused(string configuration, string files, string because, int? version)
    {
        IModelRepository held = _repository.With(Given(configuration, files));
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => held.Resolve(new LoadModel("m")));
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
        Assert.Equal(version, refused.Version?.Number);
    }

    [Fact]
    public void A_configuration_that_a_load_brings_along_stands_in_place_of_the_folders()
    {
        IModelRepository with = _repository.With(Given("""{"version_policy":{"latest":{"num_versions":2}}}""", ""));
        Assert.Equal([2, 10], with.VersionsOf(new LoadModel("classifier")));
        Assert.Equal([1, 2, 10], _repository.VersionsOf(new LoadModel("classifier")));
    }

    private static GivenModel Given(string configuration, string files) =>
        new(
            System.Text.Encoding.UTF8.GetBytes(configuration),
            files.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(name => name, _ => (ReadOnlyMemory<byte>)new byte[1])
        );

    [Fact]
    public void What_of_a_configuration_is_done_otherwise_is_noted_once()
    {
        _repository.Resolve(new LoadModel("classifier"));
        _repository.Resolve(new LoadModel("classifier"));
        Assert.Contains("requests are not put together", Assert.Single(_notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("version_policy { all { } }", "1 2 10")]
    [InlineData("version_policy { latest { num_versions: 2 } }", "2 10")]
    [InlineData("version_policy { specific { versions: [ 10, 1, 7 ] } }", "1 10")]
    [InlineData("", "10")]
    public void A_load_that_names_no_version_is_of_those_the_policy_chooses(string configuration, string expected)
    {
        Write("classifier/config.pbtxt", configuration);
        Assert.Equal(expected, string.Join(' ', _repository.VersionsOf(new LoadModel("classifier"))));
        Assert.Equal(10, _repository.Resolve(new LoadModel("classifier")).Model.Number);
    }

    [Theory]
    [InlineData("version_policy { specific { versions: 7 } }", FailureKind.NotFound, "at least one version must be available")]
    [InlineData("name: 'other'", FailureKind.InvalidModel, "directory name must equal model name")]
    [InlineData("nme: 'classifier'", FailureKind.InvalidModel, "line 1, column 1: 'nme' is no field")]
    [InlineData("default_model_filename: '../1/model.onnx'", FailureKind.InvalidModel, "which is outside")]
    [InlineData("default_model_filename: 'none.onnx'", FailureKind.NotFound, "which default_model_filename")]
    public void A_configuration_that_cannot_be_served_is_refused_with_its_reason(string configuration, FailureKind kind, string because)
    {
        Write("classifier/config.pbtxt", configuration);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => _repository.Resolve(new LoadModel("classifier")));
        Assert.Equal(kind, refused.Kind);
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("sequence_batching { }", "sequence_batching")]
    [InlineData("ensemble_scheduling { }", "ensemble_scheduling")]
    [InlineData("platform: 'ensemble'", "platform 'ensemble'")]
    [InlineData("model_transaction_policy { decoupled: true }", "model_transaction_policy decoupled")]
    [InlineData("model_transaction_policy { decoupled: false } dynamic_batching { }", null)]
    public void What_has_no_scheduler_is_refused_by_name_and_needs_no_file(string configuration, string? named)
    {
        Write("bare/config.pbtxt", configuration + (named is null ? " default_model_filename: 'notes.txt'" : ""));
        string? refusal = _repository.Resolve(new LoadModel("bare")).Configuration!.Refusal();
        Assert.Equal(named is null, refusal is null);
        Assert.Contains(named ?? "", refusal ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_names_the_file_of_each_version()
    {
        Write("classifier/config.pbtxt", "default_model_filename: 'net.onnx'");
        Write("classifier/10/net.onnx");
        ModuleSource source = _repository.Resolve(new LoadModel("classifier"));
        Assert.Equal(Path.Combine(_folder, "classifier/10/net.onnx"), source.Path);
        Assert.Equal("default_model_filename: 'net.onnx'"u8, source.Configuration!.Bytes.Span);
    }

    [Fact]
    public void Others_load_by_path_below_the_repositories_and_the_folders_that_are_named_for_it()
    {
        string allowed = Directory.CreateTempSubdirectory("troupe-allowed-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(allowed, "model.onnx"), "x");
            Directory.CreateSymbolicLink(Path.Combine(allowed, "there"), Path.Combine(_folder, "classifier"));
            IModelRepository others = new FolderModelRepository(_folder, _notes.Add) { PathFolders = [allowed] }.ForOthers;
            foreach (
                (string path, string file) in new[]
                {
                    ("classifier/1", "classifier/1/model.onnx"),
                    (Path.Combine(allowed, "model.onnx"), Path.Combine(allowed, "model.onnx")),
                    (allowed, Path.Combine(allowed, "model.onnx")),
                    (Path.Combine(allowed, "there", "2"), Path.Combine(allowed, "there", "2", "module.json")),
                }
            )
            {
                LoadModel load = new("m", 1, Path.Combine(_folder, path));
                Assert.Equal(Path.Combine(_folder, file), others.Resolve(load).Path);
            }

            ModuleLoadException missing = Assert.Throws<ModuleLoadException>(() =>
                others.Resolve(new LoadModel("m", 1, Path.Combine(allowed, "missing")))
            );
            Assert.Equal(FailureKind.NotFound, missing.Kind);
        }
        finally
        {
            Directory.Delete(allowed, recursive: true);
        }
    }

    [Fact]
    public void Of_any_other_path_they_hear_the_same_whether_it_is_there_or_not()
    {
        string outside = Directory.CreateTempSubdirectory("troupe-outside-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(outside, "model.onnx"), "x");
            Directory.CreateSymbolicLink(Path.Combine(_folder, "link"), outside);
            Directory.CreateDirectory(Path.Combine(_folder, "inner"));
            File.CreateSymbolicLink(Path.Combine(_folder, "inner", "model.onnx"), Path.Combine(outside, "model.onnx"));
            File.CreateSymbolicLink(Path.Combine(_folder, "circle"), Path.Combine(_folder, "circle"));
            string[] paths =
            [
                outside,
                Path.Combine(outside, "model.onnx"),
                Path.Combine(outside, "missing"),
                Path.Combine(_folder, "..", Path.GetFileName(outside)),
                Path.Combine(_folder, "link"),
                Path.Combine(_folder, "link", "missing"),
                Path.Combine(_folder, "inner"),
                Path.Combine(_folder, "circle"),
                _folder + "-beside",
                "/",
                "/proc/self/environ",
                "",
                "\0",
            ];
            foreach (string path in paths)
            {
                LoadModel load = new("m", 1, path);
                ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => _repository.ForOthers.Resolve(load));
                Assert.Equal(
                    (
                        FailureKind.InvalidRequest,
                        "Model 'm' is not loaded from this path: from outside only paths below a --models or --allow-path folder of the node may be named."
                    ),
                    (refused.Kind, refused.Message)
                );
            }

            // The node's own settings name what they like.
            Assert.Equal(Path.Combine(outside, "model.onnx"), _repository.Resolve(new LoadModel("m", 1, outside)).Path);
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Theory]
    [InlineData("m", "m", "m")]
    [InlineData("m/1", "m/1", "m/1")]
    [InlineData("m/1/model.onnx", "m/1/model.onnx", "m/1/model.onnx")]
    [InlineData("m/config.pbtxt", "m/1/model.onnx", "m/config.pbtxt")]
    public void A_model_that_a_link_leads_out_of_the_repository_is_refused_and_loaded_by_its_path(string link, string target, string named)
    {
        string outside = Directory.CreateTempSubdirectory("troupe-outside-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(outside, "m", "1"));
            File.WriteAllText(Path.Combine(outside, "m", "1", "model.onnx"), "x");
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_folder, link))!);
            string full = Path.Combine(_folder, link);
            File.CreateSymbolicLink(full, Path.Combine(outside, target));
            ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => _repository.Resolve(new LoadModel("m")));
            Assert.Equal(FailureKind.InvalidModel, refused.Kind);
            Assert.Contains(
                $"'{Path.Combine(_folder, named)}' is a link out of the model repository, to '{Path.Combine(outside, target)}'. Put the files",
                refused.Message,
                StringComparison.Ordinal
            );

            string given = Path.Combine(outside, "m", "1");
            Assert.Equal(Path.Combine(given, "model.onnx"), _repository.Resolve(new LoadModel("m", 1, given)).Path);
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public void A_model_that_a_link_leads_elsewhere_in_the_repository_is_that_one()
    {
        Directory.CreateSymbolicLink(Path.Combine(_folder, "alias"), "empty/../classifier");
        Directory.CreateDirectory(Path.Combine(_folder, "same"));
        Directory.CreateSymbolicLink(Path.Combine(_folder, "same", "3"), "../classifier/1");
        Assert.Equal(Path.Combine(_folder, "alias/10/model.onnx"), _repository.Resolve(new LoadModel("alias")).Path);
        Assert.Equal(Path.Combine(_folder, "same/3/model.onnx"), _repository.Resolve(new LoadModel("same")).Path);
    }

    [Fact]
    public void The_list_has_every_version_and_nothing_hidden() =>
        Assert.Equal(["bare/1", "classifier/1", "classifier/2", "classifier/10"], _repository.List().Select(model => model.ToString()));

    [Theory]
    [InlineData("../classifier", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("..", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("a/b", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("a\\b", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData(".hidden", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("a\nb", null, null, FailureKind.InvalidRequest, "not a model name")]
    [InlineData("classifier", 0, null, FailureKind.InvalidRequest, "out of range")]
    [InlineData("classifier", 3, null, FailureKind.NotFound, "no version 3")]
    [InlineData("unknown", null, null, FailureKind.NotFound, "no model 'unknown'")]
    [InlineData("empty", null, null, FailureKind.NotFound, "no version folder")]
    [InlineData("bare", null, null, FailureKind.NotFound, "holds none of")]
    [InlineData("x", null, "/nowhere/at/all.onnx", FailureKind.NotFound, "no file or folder")]
    [InlineData("x", null, "a\0b", FailureKind.InvalidRequest, "NUL")]
    public void What_cannot_be_had_is_refused_with_its_reason(string name, int? number, string? path, FailureKind kind, string because)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => _repository.Resolve(new LoadModel(name, number, path)));
        Assert.Equal(kind, refused.Kind);
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
        Assert.Equal(10, _repository.Resolve(new LoadModel("classifier")).Model.Number);
    }

    [Fact]
    public void A_path_serves_under_any_name_and_a_folder_is_searched()
    {
        ModuleSource source = _repository.Resolve(new LoadModel("mine", 4, Path.Combine(_folder, "classifier", "2")));
        Assert.Equal("mine/4", source.Model.ToString());
        Assert.EndsWith("module.json", source.Path, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_a_repository_only_paths_can_be_loaded()
    {
        var none = new FolderModelRepository([], _notes.Add);
        Assert.Empty(none.List());
        Assert.Contains(
            "--models",
            Assert.Throws<ModuleLoadException>(() => none.Resolve(new LoadModel("classifier"))).Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("model.plan")]
    [InlineData("model.engine")]
    [InlineData("model.pt2")]
    [InlineData("model.ts")]
    [InlineData("model.pt")]
    [InlineData("model.tr01")]
    [InlineData("model.tr02")]
    public void Artifacts_stand_where_an_ONNX_model_would_and_two_models_in_one_folder_are_refused(string file)
    {
        Write($"saved/1/{file}");
        Assert.Equal(Path.Combine(_folder, "saved", "1", file), _repository.Resolve(new LoadModel("saved")).Path);

        Write("saved/1/model.onnx");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => _repository.Resolve(new LoadModel("saved")));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains($"holds model.onnx and {file}, which are models each", refused.Message, StringComparison.Ordinal);

        // A manifest says what the files beside it are.
        Write("saved/1/module.json");
        Assert.EndsWith("module.json", _repository.Resolve(new LoadModel("saved")).Path, StringComparison.Ordinal);
    }

    private void Write(string path, string text = "x")
    {
        string full = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}

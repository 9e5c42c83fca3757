using Troupe.Actors.Models;
using Troupe.Hosting.Startup;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Startup;

/// <summary>What a poll makes of the repositories as <see cref="FolderModelRepository.Look"/> sees them.</summary>
public sealed class RepositoryWatchTests : IDisposable
{
    private readonly ModuleFolder _folder = new();
    private readonly List<string> _notes = [];
    private readonly RepositoryWatch _watch;

    public RepositoryWatchTests() => _watch = new RepositoryWatch(_notes.Add);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_new_or_has_changed_is_loaded_and_what_is_gone_is_unloaded()
    {
        Write("a/1/model.onnx", "one");
        Write("b/1/model.onnx", "one");
        Assert.Equal(["+a", "+b"], Changes());
        Assert.Empty(Changes());
        Write("a/config.pbtxt", "");
        Write("b/2/model.onnx", "two");
        Assert.Equal(["+a", "+b"], Changes());
        File.SetLastWriteTimeUtc(Path.Combine(_folder.Path, "a/1/model.onnx"), DateTime.UnixEpoch);
        Assert.Equal(["+a"], Changes());
        Directory.Delete(Path.Combine(_folder.Path, "b"), recursive: true);
        Assert.Equal(["-b"], Changes());
        Assert.Empty(Changes());
        Assert.Empty(_notes);
    }

    [Fact]
    public void A_version_that_a_link_leads_to_has_changed_when_the_link_leads_elsewhere()
    {
        Write("a/.one/model.onnx", "one");
        Write("a/.two/model.onnx", "one");
        string link = Path.Combine(_folder.Path, "a/1");
        Directory.CreateSymbolicLink(link, ".one");
        Assert.Equal(["+a"], Changes());
        Directory.Delete(link);
        Directory.CreateSymbolicLink(link, ".two");
        Assert.Equal(["+a"], Changes());
    }

    [Fact]
    public void A_repository_that_vanishes_changes_nothing_is_told_once_and_is_followed_when_it_is_back()
    {
        Write("a/1/model.onnx", "one");
        Changes();
        string away = _folder.Path + "-away";
        Directory.Move(_folder.Path, away);
        Assert.Empty(Changes());
        Assert.Empty(Changes());
        Assert.Contains("its models stay as they are", Assert.Single(_notes), StringComparison.Ordinal);
        Directory.Move(away, _folder.Path);
        Assert.Empty(Changes());
        Write("b/1/model.onnx", "one");
        Assert.Equal(["+b"], Changes());
        Directory.Move(_folder.Path, away);
        Assert.Empty(Changes());
        Assert.Equal(2, _notes.Count);
        Directory.Move(away, _folder.Path);
    }

    [Fact]
    public void A_folder_that_cannot_be_read_leaves_its_model_as_it_is_and_is_told_once()
    {
        RepositoryLook seen = new(new Dictionary<string, string> { ["a"] = "1", ["b"] = "1" }, new Dictionary<string, string>()),
            denied =
                new(
                    new Dictionary<string, string> { ["b"] = "2" },
                    new Dictionary<string, string> { ["a"] = "'a' cannot be read: denied", ["c"] = "'c' cannot be read: denied" }
                );
        Assert.Equal(["+a", "+b"], Changes(seen));
        Assert.Equal(["+b"], Changes(denied));
        Assert.Empty(Changes(denied));
        Assert.Equal(["'a' cannot be read: denied", "'c' cannot be read: denied"], _notes);
        Assert.Equal(["+b"], Changes(seen));
    }

    [Fact]
    public void What_could_not_be_followed_comes_again_and_its_reason_is_new_once()
    {
        Write("a/1/model.onnx", "one");
        Changes();
        Assert.True(_watch.Retry("a", "full"));
        Assert.Equal(["+a"], Changes());
        Assert.False(_watch.Retry("a", "full"));
        Assert.Equal(["+a"], Changes());
        _watch.End("a");
        Assert.Empty(Changes());
        Assert.True(_watch.Retry("a", "full"));
    }

    [Fact]
    public void What_is_gone_and_could_not_be_unloaded_yet_comes_again()
    {
        Write("a/1/model.onnx", "one");
        Changes();
        Directory.Delete(Path.Combine(_folder.Path, "a"), recursive: true);
        Assert.Equal(["-a"], Changes());
        _watch.Retry("a", "full");
        Assert.Equal(["-a"], Changes());
        _watch.End("a");
        Assert.Empty(Changes());
    }

    [Fact]
    public void What_could_not_be_loaded_yet_and_is_gone_at_the_next_look_is_unloaded()
    {
        Write("a/1/model.onnx", "one");
        Changes();
        Write("a/2/model.onnx", "two");
        Assert.Equal(["+a"], Changes());
        _watch.Retry("a", "full");
        Directory.Delete(Path.Combine(_folder.Path, "a"), recursive: true);
        Assert.Equal(["-a"], Changes());
    }

    [Fact]
    public void A_model_in_two_repositories_has_changed_when_either_has()
    {
        Write("one/a/1/model.onnx", "one");
        Write("two/a/1/model.onnx", "one");
        FolderModelRepository both = new([Path.Combine(_folder.Path, "one"), Path.Combine(_folder.Path, "two")], _notes.Add);
        Assert.Equal(["+a"], Changes(both.Look()));
        Write("two/a/2/model.onnx", "one");
        Assert.Equal(["+a"], Changes(both.Look()));
    }

    private string[] Changes() => Changes(new FolderModelRepository(_folder.Path, _notes.Add).Look);

    private string[] Changes(RepositoryLook look) => Changes(() => look);

    private string[] Changes(Func<RepositoryLook> look) =>
        [.. _watch.Changes(look).Select(change => (change.IsThere ? "+" : "-") + change.Name)];

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}

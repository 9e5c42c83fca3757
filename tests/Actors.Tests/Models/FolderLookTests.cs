using Troupe.Actors.Models;

namespace Troupe.Actors.Tests.Models;

/// <summary>A look at a model's folder stays in the repository, ends, and sees what has changed there.</summary>
public sealed class FolderLookTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("troupe-look-").FullName;

    public FolderLookTests()
    {
        Write("outside/big/file", "one");
        Write("repository/shared/1/model.onnx", "one");
        Write("repository/m/1/model.onnx", "one");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_link_out_of_the_repository_counts_by_where_it_leads_and_not_by_what_is_there()
    {
        string link = Link("repository/m/2", "outside");
        string before = Look();
        Write("outside/big/file", "more than one");
        Write("outside/other", "one");
        Assert.Equal(before, Look());
        Directory.Delete(link);
        Link("repository/m/2", "outside/big");
        Assert.NotEqual(before, Look());
    }

    [Fact]
    public void A_link_within_the_repository_counts_by_what_is_there_too()
    {
        Link("repository/m/2", "repository/shared/1");
        string before = Look();
        Write("repository/shared/1/model.onnx", "more than one");
        Assert.NotEqual(before, Look());
    }

    [Theory]
    [InlineData("repository")]
    [InlineData("repository/m")]
    [InlineData("repository/m/1")]
    public void A_link_to_what_it_is_in_ends_there(string target)
    {
        Link("repository/m/1/back", target);
        Link("repository/m/1/again", target);
        Look(most: 4);
    }

    [Fact]
    public void Links_that_lead_round_and_round_and_very_many_files_are_not_looked_at_without_end()
    {
        Link("repository/m/2", "repository/shared");
        Link("repository/shared/a", "repository/shared");
        Link("repository/shared/b", "repository/shared");
        Assert.Contains("more than 65536", Assert.Throws<IOException>(() => Look()).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => Look(most: 1));
    }

    private string Look(int most = 65_536) =>
        FolderLook.Of(Path.Combine(_folder, "repository"), Path.Combine(_folder, "repository/m"), most);

    private string Link(string path, string target)
    {
        string link = Path.Combine(_folder, path);
        Directory.CreateSymbolicLink(link, Path.Combine(_folder, target));
        return link;
    }

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}

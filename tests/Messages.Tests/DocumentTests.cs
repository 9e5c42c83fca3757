using System.Text.RegularExpressions;

namespace Troupe.Messages.Tests;

/// <summary>What documents name is there: every path, and the rooms in their order.</summary>
public sealed partial class DocumentTests
{
    private static readonly string[] Folders = ["Messages", "Runtime", "Actors", "Hosting", "tests", "docs", "examples", ".ci", ".config"];

    public static TheoryData<string> Documents =>
        [
            .. Directory
                .EnumerateFiles(ArchitectureTests.Root, "*.md")
                .Concat(Directory.EnumerateFiles(Path.Combine(ArchitectureTests.Root, "docs"), "*.md"))
                .Select(file => Path.GetRelativePath(ArchitectureTests.Root, file))
                .Order(StringComparer.Ordinal),
        ];

    [Theory, MemberData(nameof(Documents))]
    public void Every_path_that_a_document_names_is_there(string document)
    {
        string text = File.ReadAllText(Path.Combine(ArchitectureTests.Root, document));
        Finding.None(
            Code()
                .Matches(Fences().Replace(text, ""))
                .Select(match => match.Groups[1].Value)
                .Where(IsPath)
                .Distinct()
                .Where(path => !Exists(path))
                .Select(path => $"{document} names {path}")
        );
    }

    [Theory, MemberData(nameof(Documents))]
    public void Every_link_to_a_file_leads_somewhere(string document)
    {
        string folder = Path.GetDirectoryName(Path.Combine(ArchitectureTests.Root, document))!;
        Finding.None(
            Link()
                .Matches(File.ReadAllText(Path.Combine(ArchitectureTests.Root, document)))
                .Select(match => match.Groups[1].Value)
                .Where(target => !target.Contains(':', StringComparison.Ordinal))
                .Where(target => !Path.Exists(Path.Combine(folder, target.Split('#')[0])))
                .Select(target => $"{document} links to {target}")
        );
    }

    [Fact]
    public void The_architecture_lists_the_rooms_in_their_order()
    {
        string[] listed =
        [
            .. RoomRow()
                .Matches(File.ReadAllText(Path.Combine(ArchitectureTests.Root, "docs", "architecture.md")))
                .Select(match => match.Groups[1].Value),
        ];
        string[] rooms =
        [
            .. File.ReadLines(Path.Combine(ArchitectureTests.Root, "tests", "Messages.Tests", "rooms.txt"))
                .Where(line => line.Length > 0 && line[0] != '#'),
        ];
        Assert.Equal(rooms, listed);
    }

    /// <summary>A walk says through how many files it leads, and how often it comes back to one.</summary>
    [Theory]
    [InlineData("## Walk 1: a forward")]
    [InlineData("## Walk 2: `EnterMode`")]
    public void A_walk_counts_its_files_and_returns(string heading)
    {
        string[] section =
        [
            .. File.ReadLines(Path.Combine(ArchitectureTests.Root, "docs", "architecture.md"))
                .SkipWhile(line => line != heading)
                .Skip(1)
                .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal)),
        ];
        string[] steps =
        [
            .. section.Select(line => WalkStep().Match(line)).Where(step => step.Success).Select(step => step.Groups[1].Value),
        ];
        int files = steps.Distinct().Count();
        Assert.Contains($"{files} files, {steps.Length - files} returns.", section);
    }

    /// <summary>A recipe says how many places it may touch, and lists no more.</summary>
    [Fact]
    public void A_recipe_keeps_its_number()
    {
        string[] lines = File.ReadAllLines(Path.Combine(ArchitectureTests.Root, "CONTRIBUTING.md"));
        Dictionary<string, int> limits = new(StringComparer.Ordinal)
        {
            ["An engine back end: 3 new files and 1 line"] = 4,
            ["A mode: 4 places"] = 4,
            ["An endpoint with its command: 4 places"] = 4,
            ["A wire message: 3 places"] = 3,
            ["A driver: 4 places"] = 4,
            ["A metric: 1 place"] = 1,
        };
        Assert.Equal(limits.Keys, lines.Where(line => line.StartsWith("### ", StringComparison.Ordinal)).Select(line => line[4..]));
        Assert.All(
            limits,
            recipe =>
                Assert.InRange(
                    lines
                        .SkipWhile(line => line != "### " + recipe.Key)
                        .Skip(1)
                        .TakeWhile(line => !line.StartsWith('#'))
                        .Count(line => line.Length > 2 && char.IsAsciiDigit(line[0]) && line[1] == '.'),
                    1,
                    recipe.Value
                )
        );
    }

    [Fact]
    public void The_readme_lists_every_project_and_the_folders_of_each()
    {
        string readme = File.ReadAllText(Path.Combine(ArchitectureTests.Root, "README.md"));
        string table = readme[readme.IndexOf("## Folders", StringComparison.Ordinal)..];
        table = table[..table.IndexOf("\n## ", 5, StringComparison.Ordinal)];
        IEnumerable<string> rooms = File.ReadLines(Path.Combine(ArchitectureTests.Root, "tests", "Messages.Tests", "rooms.txt"))
            .Where(line => line.Length > 0 && line[0] != '#')
            .Select(line => line.Split('/'))
            .Where(parts => parts.Length > 1)
            .Select(parts => parts[1])
            .Distinct();
        Finding.None(ArchitectureTests.Line.Where(project => !table.Contains($"`{project}/`", StringComparison.Ordinal)));
        Finding.None(rooms.Where(room => !table.Contains($"`{room}`", StringComparison.Ordinal)));
    }

    /// <summary>Begins with a folder of this repository, or is a file at its root.</summary>
    private static bool IsPath(string code) =>
        !code.Contains(' ', StringComparison.Ordinal)
        && !code.AsSpan().ContainsAny("{<…*")
        && (Folders.Contains(code.Split('/')[0]) && code.Contains('/', StringComparison.Ordinal) || RootFile().IsMatch(code));

    private static bool Exists(string path) => Path.Exists(Path.Combine(ArchitectureTests.Root, path.TrimEnd('/')));

    [GeneratedRegex(@"^\d+\. `([^`]+)`: ")]
    private static partial Regex WalkStep();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(([^)#\s][^)\s]*)\)")]
    private static partial Regex Link();

    [GeneratedRegex("^```.*?^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"^\| `((?:Messages|Runtime|Actors|Hosting)(?:/[A-Za-z0-9/]+)?)` \|", RegexOptions.Multiline)]
    private static partial Regex RoomRow();

    [GeneratedRegex(
        @"^(README|LICENSE|CONTRIBUTING|CHANGELOG|SECURITY|THIRD-PARTY-NOTICES)(\.md)?$|^(akka\.hocon|Cluster\.sln|Directory\.[A-Za-z]+\.(props|targets))$"
    )]
    private static partial Regex RootFile();
}

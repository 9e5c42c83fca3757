using System.Text.RegularExpressions;
using System.Xml.Linq;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests;

/// <summary>What holds for the whole solution: the one dependency line, and folders that say what is in them.</summary>
public sealed partial class ArchitectureTests
{
    internal static readonly string[] Line = ["Messages", "Runtime", "Actors", "Hosting"];
    private static readonly string[] VagueFolders =
    [
        "Utils",
        "Utilities",
        "Helpers",
        "Common",
        "Base",
        "Core",
        "Misc",
        "Shared",
        "Extensions",
    ];
    internal static readonly string Root = FindRoot();

    public static TheoryData<string> Projects => [.. Line];

    [Theory, MemberData(nameof(Projects))]
    public void A_project_references_only_what_stands_to_its_left(string project)
    {
        int place = Array.IndexOf(Line, project);
        Assert.All(
            References(project, "ProjectReference")
                .Where(path => !path.StartsWith("Generator/", StringComparison.Ordinal)) // It runs in the compiler and is not referenced.
                .Select(path => Path.GetFileNameWithoutExtension(path)),
            other =>
            {
                Assert.Contains(other, Line);
                Assert.True(Array.IndexOf(Line, other) < place, $"{project} references {other}.");
            }
        );
    }

    [Theory]
    [InlineData("Messages")]
    [InlineData("Runtime")]
    public void Below_the_actors_nothing_knows_akka_or_the_web(string project)
    {
        Assert.DoesNotContain(References(project, "PackageReference"), package => package.StartsWith("Akka", StringComparison.Ordinal));
        Assert.DoesNotContain(
            References(project, "FrameworkReference"),
            framework => framework.Contains("AspNetCore", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(Sources(project), file => UsesAkka().IsMatch(File.ReadAllText(file)));
    }

    [Fact]
    public void The_assembly_of_messages_references_messagepack_and_the_framework_alone()
    {
        IEnumerable<string> names = typeof(WireFormat).Assembly.GetReferencedAssemblies().Select(name => name.Name!);
        Assert.All(
            names,
            name =>
                Assert.True(
                    name.StartsWith("System", StringComparison.Ordinal)
                        || name.StartsWith("MessagePack", StringComparison.Ordinal)
                        || name == "netstandard",
                    $"Messages references {name}."
                )
        );
    }

    [Theory, MemberData(nameof(Projects))]
    public void Namespaces_are_folders(string project) =>
        Assert.All(
            Sources(project),
            file =>
            {
                Match declared = Namespace().Match(File.ReadAllText(file));
                if (declared.Success)
                {
                    string folder = Path.GetDirectoryName(Path.GetRelativePath(Root, file))!;
                    Assert.Equal($"Troupe.{folder.Replace(Path.DirectorySeparatorChar, '.')}", declared.Groups[1].Value);
                }
            }
        );

    [Fact]
    public void Folders_are_nouns_of_the_domain() =>
        Assert.All(
            Line.Append("tests").SelectMany(Sources).Select(file => Path.GetRelativePath(Root, file)),
            file => Assert.DoesNotContain(file.Split(Path.DirectorySeparatorChar), folder => VagueFolders.Contains(folder))
        );

    [Fact]
    public void No_file_hides_code_in_regions() =>
        Assert.All(
            Line.Append("tests").SelectMany(Sources),
            file => Assert.DoesNotContain("\n    #region", File.ReadAllText(file), StringComparison.Ordinal)
        );

    private static IEnumerable<string> References(string project, string kind) =>
        XDocument
            .Load(Path.Combine(Root, project, $"{project}.csproj"))
            .Descendants(kind)
            .Select(reference => reference.Attribute("Include")?.Value.Replace('\\', '/') ?? "");

    internal static IEnumerable<string> Sources(string folder) =>
        Directory
            .EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal));

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No Cluster.sln above {AppContext.BaseDirectory}.");
    }

    [GeneratedRegex(@"^namespace ([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex Namespace();

    [GeneratedRegex(@"^using Akka|\bAkka\.\w+\.", RegexOptions.Multiline)]
    private static partial Regex UsesAkka();
}

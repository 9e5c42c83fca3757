using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Troupe.Messages.Tests;

/// <summary>Files are read in one go: a long one says why it is long, and is named by the tests that hold it.</summary>
public sealed partial class FileSizeTests
{
    private const int Long = 300;
    private const int Tested = 200;

    /// <summary>By name of a type: the test classes that name it, in code or in their summary.</summary>
    private static readonly Lazy<HashSet<string>> NamedByTests = new(() =>
        [
            .. Directory
                .EnumerateFiles(Path.Combine(ArchitectureTests.Root, "tests"), "*.cs", SearchOption.AllDirectories)
                .Select(File.ReadAllText)
                .Where(text => text.Contains("[Fact", StringComparison.Ordinal) || text.Contains("[Theory", StringComparison.Ordinal))
                .SelectMany(text => Identifier().Matches(text))
                .Select(match => match.Value),
        ]
    );

    [Fact]
    public void A_file_above_300_lines_says_in_its_summary_why_it_is_long() =>
        Finding.None(
            Product()
                .Where(file => file.Lines > Long && !Summaries(file.Path).Any(summary => SaysWhy().IsMatch(summary)))
                .Select(file => $"{file.Path} has {file.Lines} lines and does not say 'It is long because …'")
        );

    [Fact]
    public void A_file_above_200_lines_has_a_test_class_that_names_its_type() =>
        Finding.None(
            Product()
                .Where(file => file.Lines > Tested && !NamedByTests.Value.Overlaps(Types(file.Path)))
                .Select(file => $"{file.Path} has {file.Lines} lines and no test class that names {string.Join(" or ", Types(file.Path))}")
        );

    private static IEnumerable<(string Path, int Lines)> Product() =>
        ArchitectureTests
            .Line.SelectMany(ArchitectureTests.Sources)
            .Select(file => (Path.GetRelativePath(ArchitectureTests.Root, file), File.ReadLines(file).Count()))
            .OrderBy(file => file.Item1, StringComparer.Ordinal);

    private static IEnumerable<BaseTypeDeclarationSyntax> Declared(string path) =>
        ProductCode
            .Compilation.SyntaxTrees.Single(tree => tree.FilePath == path)
            .GetRoot()
            .DescendantNodes()
            .OfType<BaseTypeDeclarationSyntax>()
            .Where(type => type.Parent is BaseNamespaceDeclarationSyntax);

    private static HashSet<string> Types(string path) =>
        [.. Declared(path).SelectMany(type => new[] { type.Identifier.Text, type.Identifier.Text + "Tests" })];

    private static IEnumerable<string> Summaries(string path) => Declared(path).Select(type => type.GetLeadingTrivia().ToFullString());

    [GeneratedRegex(@"\b[Ll]ong(er than most files)?(\s|///)*(because|:)")]
    private static partial Regex SaysWhy();

    [GeneratedRegex(@"\b[A-Z]\w+\b")]
    private static partial Regex Identifier();
}

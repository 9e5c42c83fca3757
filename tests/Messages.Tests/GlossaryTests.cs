using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Troupe.Messages.Tests;

/// <summary>One word, one meaning: each word of the README's glossary is used, and what could be said instead of it is not.</summary>
public sealed partial class GlossaryTests
{
    /// <summary>What is not said, and what is said instead. Prose only: documents, the help of commands, what is logged and
    /// answered.</summary>
    private static readonly (string Banned, string Instead)[] Synonyms =
    [
        ("worker", "executor"),
        ("catalog", "catalogue"),
        ("GPU card", "device"),
        ("graphics card", "device"),
        ("host device", "emulated device"),
        ("fake device", "emulated device"),
        ("virtual device", "emulated device"),
        ("simulated device", "emulated device"),
        ("inference job", "forward"),
        ("inference task", "forward"),
        ("inference call", "forward"),
        ("subgraph", "segment"),
        ("sub-graph", "segment"),
        ("model replica", "instance"),
        ("mode flag", "mode"),
        ("toggle", "mode"),
        ("execution slot", "lane"),
        ("cluster member", "node"),
        ("master", "origin or home router"),
        ("slave", "home router"),
        ("whitelist", "what is admitted"),
        ("blacklist", "what is refused"),
    ];

    private static readonly string[] Documents =
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        .. Directory
            .EnumerateFiles(Path.Combine(ArchitectureTests.Root, "docs"), "*.md")
            .Select(file => Path.GetRelativePath(ArchitectureTests.Root, file))
            .Order(StringComparer.Ordinal),
    ];

    private static string[] Words =>
        [
            .. File.ReadLines(Path.Combine(ArchitectureTests.Root, "README.md"))
                .SkipWhile(line => line != "## Words")
                .SkipWhile(line => !line.StartsWith("| ---", StringComparison.Ordinal))
                .Skip(1)
                .TakeWhile(line => line.StartsWith('|'))
                .Select(line => line.Split('|')[1].Trim()),
        ];

    [Fact]
    public void Every_word_of_the_glossary_is_used_in_the_documents_and_in_the_code()
    {
        Assert.True(Words.Length >= 14, $"The glossary has {Words.Length} words.");
        string documents = string.Join('\n', Documents.Select(Prose).Select(WithoutGlossary));
        string code = string.Join('\n', ArchitectureTests.Line.SelectMany(ArchitectureTests.Sources).Select(File.ReadAllText));
        Finding.None(Words.Where(word => !Regex.IsMatch(documents, $@"\b{word}s?\b", RegexOptions.IgnoreCase)));
        Finding.None(
            Words.Where(word => !Regex.IsMatch(code, word.Replace(" ", @"[\s/]*", StringComparison.Ordinal), RegexOptions.IgnoreCase))
        );
    }

    [Fact]
    public void No_document_uses_a_banned_synonym() => Finding.None(Documents.SelectMany(document => Found(document, Prose(document))));

    [Fact]
    public void No_text_for_people_in_the_code_uses_a_banned_synonym() =>
        Finding.None(ProductCode.Compilation.SyntaxTrees.SelectMany(tree => Found(tree.FilePath, string.Join('\n', Texts(tree)))));

    [Theory]
    [InlineData("Each worker has a lane.", "worker")]
    [InlineData("The catalog of models", "catalog")]
    public void A_planted_synonym_is_found(string text, string banned) =>
        Assert.Contains($"a says '{banned}'", Assert.Single(Found("a", text)), StringComparison.Ordinal);

    [Fact]
    public void A_word_that_only_contains_one_is_none() =>
        Assert.Empty(Found("a", "The catalogue of back ends; workers' rights are not ours: Coworker, MasterCard."));

    private static IEnumerable<string> Found(string where, string text) =>
        Synonyms
            .Where(one => Regex.IsMatch(text, $@"\b{one.Banned}\b", RegexOptions.IgnoreCase))
            .Select(one => $"{where} says '{one.Banned}': write {one.Instead}");

    /// <summary>What a document says, without its code.</summary>
    private static string Prose(string document) =>
        Fences().Replace(File.ReadAllText(Path.Combine(ArchitectureTests.Root, document)), "\n");

    private static string WithoutGlossary(string text) => GlossaryTable().Replace(text, "\n");

    /// <summary>Text literals of several words: help, logs, errors.</summary>
    private static IEnumerable<string> Texts(SyntaxTree tree) =>
        tree.GetRoot()
            .DescendantNodes()
            .Select(node =>
                node switch
                {
                    LiteralExpressionSyntax literal when literal.IsKind(SyntaxKind.StringLiteralExpression) => literal.Token.ValueText,
                    InterpolatedStringTextSyntax part => part.TextToken.ValueText,
                    _ => "",
                }
            )
            .Where(text => text.Contains(' ', StringComparison.Ordinal));

    [GeneratedRegex("^```.*?^```$", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Fences();

    [GeneratedRegex(@"^## Words$.*?^## ", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex GlossaryTable();
}

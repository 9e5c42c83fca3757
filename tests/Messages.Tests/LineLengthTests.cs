using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace Troupe.Messages.Tests;

/// <summary>A line of code has at most 140 columns; what goes beyond is one text literal, which reads worse when it is broken.</summary>
public sealed class LineLengthTests
{
    private const int Columns = 140;

    /// <summary>What may stand behind a literal: the end of its expression.</summary>
    private const int Tail = 8;

    [Fact]
    public void Only_a_text_literal_goes_beyond_the_last_column() =>
        Finding.None(
            ArchitectureTests
                .Line.Concat(["tests", "examples"])
                .Where(folder => Directory.Exists(Path.Combine(ArchitectureTests.Root, folder)))
                .SelectMany(ArchitectureTests.Sources)
                .SelectMany(file => TooLong(Path.GetRelativePath(ArchitectureTests.Root, file), File.ReadAllText(file)))
        );

    [Theory]
    [InlineData(130, 0)]
    [InlineData(150, 1)]
    public void A_comment_that_is_too_long_is_found(int length, int found) =>
        Assert.Equal(found, TooLong("a.cs", $"// {new string('x', length - 3)}\nclass A;\n").Count());

    [Theory]
    [InlineData("string a = \"{0}\";", 0)]
    [InlineData("string a = $\"{0}{{b}}\";", 0)]
    [InlineData("string a = \"short\" + Some({0});", 1)]
    [InlineData("string a = \"{0}\"; int another = 1, third = 2;", 1)]
    public void A_literal_may_go_beyond_and_code_may_not(string form, int found) =>
        Assert.Equal(
            found,
            TooLong("a.cs", $"class A\n{{\n    {form.Replace("{0}", new string('x', 150), StringComparison.Ordinal)}\n}}\n").Count()
        );

    private static IEnumerable<string> TooLong(string path, string text)
    {
        var lines = SourceText.From(text);
        SyntaxNode? root = null;
        foreach (TextLine line in lines.Lines)
        {
            if (line.Span.Length > Columns)
            {
                root ??= ProductCode.Parse(path, text).GetRoot();
                if (!IsOneLiteral(root, line))
                {
                    yield return $"{path}:{line.LineNumber + 1} has {line.Span.Length} columns";
                }
            }
        }
    }

    private static bool IsOneLiteral(SyntaxNode root, TextLine line)
    {
        SyntaxToken token = root.FindToken(line.Start + Columns);
        SyntaxNode? interpolated = token
            .Parent?.AncestorsAndSelf()
            .LastOrDefault(node => node.IsKind(SyntaxKind.InterpolatedStringExpression));
        bool literal =
            interpolated is not null
            || token.Kind()
                is SyntaxKind.StringLiteralToken
                    or SyntaxKind.Utf8StringLiteralToken
                    or SyntaxKind.SingleLineRawStringLiteralToken
                    or SyntaxKind.MultiLineRawStringLiteralToken
                    or SyntaxKind.Utf8MultiLineRawStringLiteralToken
                    or SyntaxKind.Utf8SingleLineRawStringLiteralToken;
        int end = interpolated?.Span.End ?? token.Span.End;
        int start = interpolated?.SpanStart ?? token.SpanStart;
        return literal && start <= line.Start + Columns && line.End - end <= Tail;
    }
}

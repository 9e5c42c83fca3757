using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Troupe.Messages.Generator;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Generator;

/// <summary>Formatters are written at build time (<c>FormatterSource</c>): one for every message of the product, none for anything
/// else.</summary>
public sealed class FormatterGeneratorTests
{
    [Fact]
    public void A_record_with_keys_gets_a_formatter_and_a_plain_one_none()
    {
        const string source = """
            using MessagePack;

            namespace Sample;

            [MessagePackObject]
            public sealed record Marked([property: Key(0)] int Number, [property: Key(2)] string Text);

            public sealed record Plain(int Number);
            """;
        string[] generated = Generate(
            ProductCode.Compilation.RemoveAllSyntaxTrees().AddSyntaxTrees(ProductCode.Parse("Sample.cs", source))
        );
        Assert.Contains(
            generated,
            text => text.Contains("class", StringComparison.Ordinal) && text.Contains("Marked", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(generated, text => text.Contains("Plain", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_message_of_the_wire_is_in_the_table()
    {
        SyntaxTree[] others =
        [
            .. ProductCode.Compilation.SyntaxTrees.Where(tree =>
                !tree.FilePath.StartsWith("Messages/", StringComparison.Ordinal)
                || tree.FilePath.StartsWith("Messages/Generator/", StringComparison.Ordinal)
            ),
        ];
        SyntaxTree globals = ProductCode.Compilation.SyntaxTrees.Single(tree => tree.FilePath == "GlobalUsings.cs");
        string table = Generate(ProductCode.Compilation.RemoveSyntaxTrees(others.Where(tree => tree != globals)))
            .Single(text => text.Contains("class WireFormatters", StringComparison.Ordinal));
        Finding.None(
            WireFormat
                .MessageTypes.Select(type => type.FullName!.Replace('+', '.'))
                .Where(name => !table.Contains($"{name})", StringComparison.Ordinal))
        );
    }

    private static string[] Generate(Compilation compilation)
    {
        GeneratorDriver driver = CSharpGeneratorDriver
            .Create([new FormatterGenerator().AsSourceGenerator()], parseOptions: new CSharpParseOptions(LanguageVersion.Preview))
            .RunGenerators(compilation, TestContext.Current.CancellationToken);
        return [.. driver.GetRunResult().GeneratedTrees.Select(tree => tree.GetText(TestContext.Current.CancellationToken).ToString())];
    }
}

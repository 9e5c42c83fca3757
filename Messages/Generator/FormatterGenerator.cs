using System.Collections.Immutable;
using System.Text;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace Troupe.Messages.Generator;

/// <summary>Writes at build time one formatter for every <c>[MessagePackObject]</c> of Messages and the table that finds them by type, so
/// that the wire needs no code made at run time.</summary>
/// <remarks>What a formatter reads and writes is <see cref="FormatterSource"/>'s; how a value of a type is written is
/// <see cref="ValueSource"/>'s.</remarks>
[Generator(LanguageNames.CSharp)]
public sealed class FormatterGenerator : IIncrementalGenerator
{
    private const string Attribute = "MessagePack.MessagePackObjectAttribute";

    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        // Strings only pass between the steps: they compare by value, so an unchanged type is not written again.
        IncrementalValuesProvider<(string Name, string Source, string Entries, string Family)> formatters =
            context.SyntaxProvider.ForAttributeWithMetadataName(
                Attribute,
                static (_, _) => true,
                static (found, _) => FormatterSource.Of((INamedTypeSymbol)found.TargetSymbol)
            );
        context.RegisterSourceOutput(
            formatters,
            static (output, formatter) => output.AddSource(formatter.Name + ".g.cs", SourceText.From(formatter.Source, Encoding.UTF8))
        );
        context.RegisterSourceOutput(
            formatters.Select(static (formatter, _) => (formatter.Entries, formatter.Family)).Collect(),
            static (output, lines) => output.AddSource("WireFormatters.g.cs", SourceText.From(Tables(lines), Encoding.UTF8))
        );
    }

    private static string Tables(ImmutableArray<(string Entries, string Family)> lines) =>
        FormatterSource.Head
        + "/// <summary>Every formatter that was written at build time, by the type it is for.</summary>\n"
        + "internal static class WireFormatters\n{\n"
        + Table("object", "ByType", lines.SelectMany(line => line.Entries.Split('\n')))
        + "\n    /// <summary>The cases of each family.</summary>\n"
        + Table("global::System.Type[]", "Families", lines.Select(line => line.Family))
        + "}\n";

    private static string Table(string value, string name, IEnumerable<string> entries) =>
        $"    public static readonly global::System.Collections.Generic.Dictionary<global::System.Type, {value}> {name} = new()\n    {{\n"
        + string.Concat(
            entries
                .Where(line => line.Length > 0)
                .Distinct()
                .OrderBy(line => line, StringComparer.Ordinal)
                .Select(line => $"        {line}\n")
        )
        + "    };\n";
}

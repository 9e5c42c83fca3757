using Google.Protobuf.Reflection;
using Troupe.TestSupport.Documents;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary><c>docs/model-configuration.md</c> says of every field what is done with it, and its example is a configuration.</summary>
public sealed class ConfigurationDocumentTests
{
    private static readonly Document Text = Document.Read("docs/model-configuration.md");

    [Fact]
    public void Every_field_has_a_row_and_every_row_a_field() =>
        Assert.Equal(
            ConfigurationSchema
                .Messages()
                .SelectMany(message => message.Fields.InDeclarationOrder().Select(field => $"{NameOf(message)}.{field.Name}"))
                .Order(StringComparer.Ordinal),
            Text.Table("## Fields").Select(row => row[0].Trim('`')).Order(StringComparer.Ordinal)
        );

    [Fact]
    public void A_row_says_used_shown_held_or_refused() =>
        Assert.All(
            Text.Table("## Fields"),
            row => Assert.Contains(["used", "shown", "held against", "refused"], word => row[1].StartsWith(word, StringComparison.Ordinal))
        );

    [Fact]
    public void The_example_is_read() => Assert.Equal(8, TextFormatReaderTests.Read(Assert.Single(Text.Blocks("pbtxt"))).MaxBatchSize);

    private static string NameOf(MessageDescriptor message) =>
        message.ContainingType is { } outer ? $"{NameOf(outer)}.{message.Name}" : message.Name;
}

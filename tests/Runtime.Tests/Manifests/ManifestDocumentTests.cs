using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Documents;

namespace Troupe.Runtime.Tests.Manifests;

/// <summary><c>docs/module-json.md</c> says what the reader does: its examples are read, its keys are the reader's, its errors are
/// given.</summary>
public sealed class ManifestDocumentTests
{
    private static readonly Document Text = Document.Read("docs/module-json.md");

    public static TheoryData<string, string, string> Errors()
    {
        TheoryData<string, string, string> errors = [];
        foreach (string[] row in Text.Table("## Errors"))
        {
            errors.Add(row[0], row[1], row[2]);
        }

        return errors;
    }

    [Fact]
    public void Every_example_is_read_and_its_segments_have_an_order()
    {
        Assert.Equal(2, Text.Blocks("json").Count);
        Assert.All(Text.Blocks("json"), example => Assert.NotEmpty(Read(example)));
    }

    [Fact]
    public void The_first_example_is_the_module_that_is_shipped()
    {
        string shipped = File.ReadAllText(
            Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fashion", "1", ModelFileNames.Manifest)
        );
        Assert.Equal(Words(shipped), Words(Text.Blocks("json")[0]));
    }

    [Theory, MemberData(nameof(Errors))]
    public void An_error_is_given_as_it_is_written(string right, string wrong, string expected)
    {
        string example = Text.Blocks("json")[1];
        int at = example.IndexOf(right, StringComparison.Ordinal);
        Assert.True(at >= 0, $"The example does not contain {right}.");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            Read(example[..at] + wrong + example[(at + right.Length)..])
        );
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("## The document", "\"version\": 1,", "\"nope\": 1, \"version\": 1,")]
    [InlineData("## A tensor", "\"name\": \"x\",", "\"nope\": 1, \"name\": \"x\",")]
    [InlineData("## A segment", "\"name\": \"_run_on_gpu_0\",", "\"nope\": 1, \"name\": \"_run_on_gpu_0\",")]
    [InlineData("## An alias", "{ \"output\": \"t\",", "{ \"nope\": 1, \"output\": \"t\",")]
    public void The_keys_of_a_table_are_those_that_the_reader_knows(string heading, string right, string wrong)
    {
        string example = Text.Blocks("json")[1];
        Assert.Contains(right, example, StringComparison.Ordinal);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            Read(example.Replace(right, wrong, StringComparison.Ordinal))
        );
        const string Known = "known are ";
        string[] known = refused
            .Message[(refused.Message.IndexOf(Known, StringComparison.Ordinal) + Known.Length)..]
            .TrimEnd('.')
            .Split(", ");
        Assert.Equal(known.Order(StringComparer.Ordinal), Text.Table(heading).Select(row => row[0]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_element_type_is_listed()
    {
        string listed = Text.Table("## A tensor").Single(row => row[0] == "dtype")[3];
        Assert.All(ElementTypes.All, type => Assert.Contains($"`{type.ProtocolName()}`", listed, StringComparison.Ordinal));
    }

    private static IReadOnlyList<SegmentDefinition> Read(string text)
    {
        Manifest manifest = ManifestReader.Read(System.Text.Encoding.UTF8.GetBytes(text), "/models/net/1/module.json");
        return SegmentOrder.Derive(
            "/models/net/1/module.json",
            manifest,
            [
                .. manifest.Segments.Select(segment => new SegmentDefinition(
                    segment.Spec,
                    segment.Spec.File,
                    ReadOnlyMemory<byte>.Empty,
                    segment.Aliases,
                    segment.RequiresOutputAllocator,
                    segment.UnownedOutputs
                )),
            ]
        );
    }

    private static string Words(string json) => string.Concat(json.Where(letter => !char.IsWhiteSpace(letter)));
}

using System.Text;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Documents;
using Troupe.TestSupport.Onnx;

namespace Troupe.Runtime.Tests.Engines.Emulated;

/// <summary>The JSON of an emulated engine, as <c>docs/emulated-engines.md</c> describes it: its examples are read, its keys are the
/// reader's, its errors are given.</summary>
public sealed class EmulatedManifestTests
{
    private static readonly Document Text = Document.Read("docs/emulated-engines.md");

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
    public void The_examples_say_what_they_say()
    {
        EmulatedManifest[] read = [.. Text.Blocks("json").Select(Read)];
        Assert.Equal(3, read.Length);
        Assert.Equal(
            ("net.onnx", 2, 65536L, 32768L),
            (read[0].Onnx, read[0].Profiles.Count, read[0].StreamableBytes, read[0].AutomaticBudget)
        );
        Assert.Equal(new TensorShape(16, 4), read[0].Profiles[1]["x"].Opt);
        Assert.True(read[0].IsRtx);
        Assert.Equal(TimeSpan.FromMicroseconds(150), read[0].Duration);
        Assert.Equal(("t", "cache"), (read[1].Aliases.Single().Output, read[1].Aliases.Single().Input));
        Assert.Equal(["size"], read[2].ShapeTensors);
        Assert.Equal([0L, 2L, 4L], read[2].Shapes["y"].Select(rule => rule.Dimensions.Count > 0 ? 0 : rule.Factor));
        Assert.True(read[2].RequiresOutputAllocator);
    }

    [Theory, MemberData(nameof(Errors))]
    public void An_error_is_given_as_it_is_written(string right, string wrong, string expected)
    {
        string example = Text.Blocks("json")[0];
        int at = example.IndexOf(right, StringComparison.Ordinal);
        Assert.True(at >= 0, $"The example does not contain {right}.");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            Read(example[..at] + wrong + example[(at + right.Length)..])
        );
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("## The document", "\"rtx\": true", "\"nope\": 1")]
    [InlineData("## An input of a profile", "{ \"input\": \"x\", \"min\": [1, 4]", "{ \"nope\": 1, \"input\": \"x\", \"min\": [1, 4]")]
    public void The_keys_of_a_table_are_those_that_the_reader_knows(string heading, string right, string wrong)
    {
        string example = Text.Blocks("json")[0];
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
    public void The_first_example_packs_into_a_plan_and_comes_out_of_it()
    {
        using ModuleFolder folder = new();
        folder.Write("net.onnx", TinyModels.Scale(2));
        byte[] plan = EmulatedPlan.Pack(folder.Write("engine.json", Text.Blocks("json")[0]));
        EmulatedPlan apart = EmulatedPlan.Read(plan, "model.plan");
        Assert.Equal(Text.Blocks("json")[0], Encoding.UTF8.GetString(apart.Manifest.Span));
        Assert.Equal(64, plan.Length - apart.Manifest.Length - apart.Onnx.Length);
    }

    private static EmulatedManifest Read(string text) => EmulatedManifest.Read(Encoding.UTF8.GetBytes(text), "engine.json");
}

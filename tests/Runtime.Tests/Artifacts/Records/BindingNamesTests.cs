using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Tests.Artifacts.Records;

[Trait("row", "SE-03")]
public sealed class BindingNamesTests
{
    private static readonly EngineBinding[] Mixed = [new("y_1", false), new("x.1", true), new("out_0", false), new("in.tensor_0", true)];

    [Fact]
    public void Without_names_the_order_is_that_of_the_trailing_indexes()
    {
        BindingNames names = BindingNames.Resolve([], [], Mixed, "test");
        Assert.Equal(["in.tensor_0", "x.1"], names.Inputs);
        Assert.Equal(["out_0", "y_1"], names.Outputs);
    }

    [Fact]
    public void Given_names_decide_the_order()
    {
        BindingNames names = BindingNames.Resolve(["x.1", "in.tensor_0"], ["y_1", "out_0"], Mixed, "test");
        Assert.Equal(["x.1", "in.tensor_0"], names.Inputs);
        Assert.Equal(["y_1", "out_0"], names.Outputs);
    }

    [Theory]
    [InlineData("absent%x.1", "y_1%out_0", "Could not find a TensorRT engine binding for input named absent")]
    [InlineData("x.1%in.tensor_0", "absent", "Could not find a TensorRT engine binding for output named absent")]
    [InlineData("y_1", "out_0", "Binding y_1 specified as input but found as output in TensorRT engine")]
    [InlineData("x.1%in.tensor_0", "x.1", "Binding x.1 specified as output but found as input in TensorRT engine")]
    [InlineData("x.1", "y_1%out_0", "the engine has the input 'in.tensor_0' that is not among the given names")]
    public void Names_that_do_not_fit_the_engine_are_refused_in_the_seeds_words(string inputs, string outputs, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() =>
            BindingNames.Resolve(inputs.Split('%'), outputs.Split('%'), Mixed, "test")
        );
        Assert.Equal(ArtifactFault.WrongBindings, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("x.0", "x_0", "both end in index 0")]
    [InlineData("x.0", "x_2", "no input ends in index 1 while 'x_2' ends in 2")]
    [InlineData("x.0", "pixels", "'pixels' does not end in an index")]
    [InlineData("x.0", "pixels_", "'pixels_' does not end in an index")]
    [InlineData("x.0", "x_99999999999", "does not end in an index")]
    public void Names_from_which_no_order_follows_are_refused(string first, string second, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() =>
            BindingNames.Resolve([], [], [new(first, true), new(second, true), new("y_0", false)], "test")
        );
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }
}

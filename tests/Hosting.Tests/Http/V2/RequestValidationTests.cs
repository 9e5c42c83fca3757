using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>A request held against its model: the first thing that does not fit is told, in Triton's words.</summary>
public sealed class RequestValidationTests
{
    private static readonly InferContract Model = new()
    {
        Model = "m",
        Version = 1,
        MaxBatchSize = 4,
        Inputs = [Spec("A"), Spec("B")],
        Outputs = [Spec("OUT")],
    };

    [Fact]
    public void What_fits_passes() => RequestValidation.Check("7", [Input("B", 4), Input("A", 4)], ["OUT"], Model);

    [Theory]
    [InlineData("unexpected inference input 'C' for model 'm'", "C", 1, "OUT")]
    [InlineData("[request id: 7] input 'A' already exists in request", "A", 1, "OUT")]
    [InlineData("[request id: 7] input 'B' batch size does not match other inputs for 'm'", "B", 2, "OUT")]
    [InlineData("[request id: 7] unexpected inference output 'NOPE' for model 'm'", "B", 1, "NOPE")]
    public void What_does_not_fit_is_refused(string words, string second, int batch, string output) =>
        Assert.Equal(words, Refusal([Input("A", 1), Input(second, batch)], output));

    [Theory]
    [InlineData(0, "inference request batch-size must be >= 1 for 'm'")]
    [InlineData(5, "inference request batch-size must be <= 4 for 'm'")]
    public void A_batch_out_of_bounds_is_refused(int batch, string words) =>
        Assert.Equal("[request id: 7] " + words, Refusal([Input("A", batch), Input("B", batch)], "OUT"));

    /// <summary>Every input has a value of its own, and W has no batch.</summary>
    private static readonly InferContract Optional = new()
    {
        Model = "m",
        Version = 1,
        MaxBatchSize = 4,
        Inputs = [Spec("A") with { IsOptional = true }, Spec("B") with { IsOptional = true }, Spec("W") with { IsOptional = true }],
        Outputs = [Spec("OUT")],
        OutsideBatch = new HashSet<string> { "W" },
    };

    [Fact]
    public void An_input_outside_of_the_batch_has_no_part_in_it() =>
        RequestValidation.Check("7", [Input("W", 9), Input("A", 4)], ["OUT"], Optional);

    [Theory]
    [InlineData(2, 3, "input 'B' batch size does not match other inputs for 'm'")]
    [InlineData(5, 5, "inference request batch-size must be <= 4 for 'm'")]
    [InlineData(0, 0, "inference request batch-size must be >= 1 for 'm'")]
    public void An_optional_input_of_the_batch_is_held_to_it(int first, int second, string words) =>
        Assert.Equal("[request id: 7] " + words, Refusal([Input("A", first), Input("B", second)], "OUT", Optional));

    [Fact]
    public void A_type_a_shape_and_a_size_that_are_not_the_model_s_are_refused()
    {
        Assert.Contains(
            "data-type is 'INT32', but model 'm' expects 'FP32'",
            Refusal([Input("A", 1) with { Type = ElementType.Int32 }], "OUT"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "unexpected shape for input 'A'",
            Refusal([Input("A", 1) with { Shape = new TensorShape(1, 4) }, Input("B", 1)], "OUT"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Expected 12, got 8",
            Refusal([Input("A", 1) with { Data = new byte[8] }, Input("B", 1)], "OUT"),
            StringComparison.Ordinal
        );
        Assert.Contains("missing required input(s) ['B']", Refusal([Input("A", 1)], "OUT"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_shape_past_memory_is_refused_and_not_computed() =>
        Assert.Contains(
            "declares more elements than a request can carry",
            Assert
                .Throws<ProtocolException>(() => RequestValidation.ElementCount(new TensorShape(long.MaxValue, long.MaxValue), "A"))
                .Message,
            StringComparison.Ordinal
        );

    private static string Refusal(Tensor[] inputs, string output, InferContract? model = null) =>
        Assert.Throws<ProtocolException>(() => RequestValidation.Check("7", inputs, [output], model ?? Model)).Message;

    private static TensorSpec Spec(string name) => new(name, ElementType.Fp32, new TensorShape(-1, 3));

    private static Tensor Input(string name, int batch) => new(name, ElementType.Fp32, new TensorShape(batch, 3), new byte[batch * 12]);
}

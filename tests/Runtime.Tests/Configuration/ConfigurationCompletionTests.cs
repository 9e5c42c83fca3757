using System.Text;
using System.Text.Json;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>A configuration is completed from its model where it is silent, and held against it where it is not.</summary>
public sealed class ConfigurationCompletionTests
{
    /// <summary>x FP32 [-1,3] and y INT64 [-1,2,-1] make z FP32 [-1,3].</summary>
    private static readonly ModelFacts Batched = new(
        "m",
        "onnxruntime_onnx",
        "model.onnx",
        [new("x", ElementType.Fp32, new(-1, 3)), new("y", ElementType.Int64, new(-1, 2, -1))],
        [new("z", ElementType.Fp32, new(-1, 3))],
        DefaultMaxBatchSize: 4
    );

    /// <summary>x BYTES [2,3], and w with a value of its own, make z BYTES [2,3].</summary>
    private static readonly ModelFacts Fixed = Batched with
    {
        Inputs = [new("x", ElementType.Bytes, new(2, 3)), new("w", ElementType.Fp32, new(3), IsOptional: true)],
        Outputs = [new("z", ElementType.Bytes, new(2, 3)), new("v", ElementType.Fp32, new(1))],
    };

    [Theory]
    [InlineData("", 4, "x[-1,3] y[-1,2,-1] -> z[-1,3]", true)]
    [InlineData("max_batch_size: 8", 8, "x[-1,3] y[-1,2,-1] -> z[-1,3]", true)]
    [InlineData("max_batch_size: 1", 1, "x[-1,3] y[-1,2,-1] -> z[-1,3]", false)]
    [InlineData(
        "max_batch_size: 8 input { name: 'y' } input { name: 'x' } output { name: 'z' }",
        8,
        "y[-1,2,-1] x[-1,3] -> z[-1,3]",
        false
    )]
    [InlineData("input { name: 'x' } input { name: 'y' } output { name: 'z' }", 0, "x[-1,3] y[-1,2,-1] -> z[-1,3]", false)]
    [InlineData("input { name: 'x' dims: [-1, 3] } input { name: 'y' }", 0, "x[-1,3] y[-1,2,-1] -> z[-1,3]", false)]
    [InlineData("input { name: 'x' dims: 3 } input { name: 'y' dims: [2, 7] }", 4, "x[-1,3] y[-1,2,7] -> z[-1,3]", true)]
    [InlineData("input { name: 'x' } input { name: 'y' dims: 14 reshape { shape: [2, 7] } }", 4, "x[-1,3] y[-1,14] -> z[-1,3]", true)]
    [InlineData("max_batch_size: 8 output { name: 'z' dims: [1, 3] reshape { shape: 3 } }", 8, "x[-1,3] y[-1,2,-1] -> z[-1,1,3]", true)]
    public void Where_it_is_silent_the_model_speaks(string given, int maxBatchSize, string tensors, bool isBatching)
    {
        ModelConfig config = TextFormatReaderTests.Read(given);
        (IReadOnlyList<TensorSpec> inputs, IReadOnlyList<TensorSpec> outputs) = ConfigurationCompletion.Complete(config, Batched);
        Assert.Equal(maxBatchSize, config.MaxBatchSize);
        Assert.Equal(tensors, $"{Text(inputs)} -> {Text(outputs)}");
        Assert.Equal(isBatching, config.DynamicBatching is not null);
        Assert.Equal(("m", "onnxruntime_onnx", "onnxruntime"), (config.Name, config.Platform, config.Backend));
        Assert.All(config.Input, input => Assert.NotEqual(DataType.TypeInvalid, input.DataType));
    }

    [Fact]
    public void A_model_that_cannot_be_batched_is_not_and_its_optional_input_stays_whole()
    {
        var config = new ModelConfig();
        (IReadOnlyList<TensorSpec> inputs, IReadOnlyList<TensorSpec> outputs) = ConfigurationCompletion.Complete(config, Fixed);
        Assert.Equal("x[2,3] w?[3] -> z[2,3] v[1]", $"{Text(inputs)} -> {Text(outputs)}");
        Assert.Equal((0, DataType.TypeString, true), (config.MaxBatchSize, config.Input[0].DataType, config.Input[1].Optional));
    }

    [Theory]
    [InlineData("input { name: 'x' } output { name: 'z' }", "x[2,3] -> z[2,3]")]
    [InlineData("input { name: 'x' } input { name: 'w' } output { name: 'v' }", "x[2,3] w[3] -> v[1]")]
    [InlineData("input { name: 'x' dims: 6 reshape { shape: [2, 3] } } input { name: 'w' optional: true }", "x[6] w?[3] -> z[2,3] v[1]")]
    public void What_is_not_configured_is_not_seen_and_what_is_configured_as_required_is(string given, string tensors)
    {
        (IReadOnlyList<TensorSpec> inputs, IReadOnlyList<TensorSpec> outputs) = ConfigurationCompletion.Complete(
            TextFormatReaderTests.Read(given),
            Fixed
        );
        Assert.Equal(tensors, $"{Text(inputs)} -> {Text(outputs)}");
    }

    [Theory]
    [InlineData("name: 'n'", "unexpected directory name 'm' for model 'n'")]
    [InlineData("platform: 'tensorrt_plan'", "is configured with platform 'tensorrt_plan' and is 'onnxruntime_onnx'")]
    [InlineData("backend: 'python'", "is configured with backend 'python' and is one of 'onnxruntime'")]
    [InlineData("max_batch_size: -1", "'max_batch_size' must be non-negative")]
    [InlineData(
        "input { name: 'x' } output { name: 'z' }",
        "configuration expects 1 inputs, model provides 2: its input 'y' is not configured"
    )]
    [InlineData(
        "input { name: 'x' } input { name: 'q' } input { name: 'y' }",
        "unexpected inference input 'q' for model 'm', allowed inputs are: x, y."
    )]
    [InlineData("output { name: 'q' }", "unexpected inference output 'q' for model 'm', allowed outputs are: z.")]
    [InlineData("input { name: 'x' } input { name: 'x' } input { name: 'y' }", "input 'x' is configured twice")]
    [InlineData("output { dims: 1 }", "model output must specify 'name'")]
    [InlineData(
        "input { name: 'x' data_type: TYPE_FP16 } input { name: 'y' }",
        "configuration expects datatype TYPE_FP16 for input 'x', model provides TYPE_FP32"
    )]
    [InlineData(
        "max_batch_size: 8 input { name: 'x' dims: 9 } input { name: 'y' }",
        "tensor 'x': the model expects 2 dimensions (shape [-1,3]) but the model configuration specifies 2 dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape [-1,9])"
    )]
    [InlineData("max_batch_size: 8 input { name: 'x' dims: -1 } input { name: 'y' }", "making complete shape [-1,-1]")]
    [InlineData(
        "max_batch_size: 8 input { name: 'x' dims: [3, 1] } input { name: 'y' }",
        "but the model configuration specifies 3 dimensions"
    )]
    [InlineData("input { name: 'x' dims: 0 } input { name: 'y' }", "a dimension must be an integer >= 1, or -1")]
    [InlineData("input { name: 'x' dims: -2 } input { name: 'y' }", "a dimension must be an integer >= 1, or -1")]
    [InlineData("input { name: 'x' dims: [1,1,1,1,1,1,1,1,1] } input { name: 'y' }", "has more than 7 dims")]
    [InlineData(
        "input { name: 'x' dims: 4 reshape { shape: 3 } } input { name: 'y' }",
        "must have the same size for dims [4] and reshape [3]"
    )]
    [InlineData(
        "input { name: 'x' dims: [-1, 3] reshape { shape: 3 } } input { name: 'y' }",
        "must have the same size for dims [-1,3] and reshape [3]"
    )]
    [InlineData("input { name: 'x' dims: 3 reshape { shape: 0 } } input { name: 'y' }", "a dimension of reshape must be")]
    [InlineData(
        "input { name: 'x' dims: [9223372036854775807, 9223372036854775807] reshape { shape: 1 } } input { name: 'y' }",
        "must have the same size"
    )]
    [InlineData(
        "input { name: 'x' optional: true } input { name: 'y' }",
        "input 'x' is optional in the configuration, and the model has no value of its own"
    )]
    [InlineData("input { name: 'x' format: FORMAT_NCHW dims: 3 } input { name: 'y' }", "has an image format and 1 dims")]
    [InlineData(
        "dynamic_batching { priority_levels: 3 }",
        "model 'm': dynamic_batching has default_priority_level 0, and priority_levels is 3."
    )]
    [InlineData(
        "dynamic_batching { priority_levels: 3 default_priority_level: 4 }",
        "model 'm': dynamic_batching has default_priority_level 4, and priority_levels is 3. Give it one from 1 to 3."
    )]
    [InlineData(
        "max_batch_size: 8 dynamic_batching { preferred_batch_size: [4, 9] }",
        "model 'm': dynamic_batching has preferred_batch_size 9, and max_batch_size is 8. Give sizes from 1 to max_batch_size."
    )]
    [InlineData("max_batch_size: 8 dynamic_batching { preferred_batch_size: 0 }", "has preferred_batch_size 0")]
    [InlineData("metric_tags { key: 'a-b' value: 'c' }", "metric_tags has 'a-b', which is no name of a label")]
    public void Where_it_contradicts_the_model_it_is_refused_in_one_line(string given, string problem)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            ConfigurationCompletion.Complete(TextFormatReaderTests.Read(given), Batched)
        );
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Theory]
    [InlineData(
        "max_batch_size: 8 input { name: 'x' dims: 3 }",
        "the first dimension must be -1; but shape expected by the model is [2,3]"
    )]
    [InlineData(
        "input { name: 'x' dims: [3, 2] }",
        "the model expects 2 dimensions (shape [2,3]) but the model configuration specifies 2 dimensions (shape [3,2])"
    )]
    public void A_batch_that_the_model_has_not_is_refused(string given, string problem) =>
        Assert.Contains(
            problem,
            Assert.Throws<ModuleLoadException>(() => ConfigurationCompletion.Complete(TextFormatReaderTests.Read(given), Fixed)).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void What_nobody_says_is_written_as_Triton_completes_it()
    {
        ModelConfig config = TextFormatReaderTests.Read("max_batch_size: 8");
        ConfigurationCompletion.Complete(config, Batched);
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonFormWriter.Write(writer, ModelConfig.Descriptor, Google.Protobuf.MessageExtensions.ToByteArray(config));
        }

        using JsonDocument written = JsonDocument.Parse(Encoding.UTF8.GetString(buffer.ToArray()));
        Assert.Equal("{\"latest\":{\"num_versions\":1}}", written.RootElement.GetProperty("version_policy").GetRawText());
        Assert.Equal("[8]", written.RootElement.GetProperty("dynamic_batching").GetProperty("preferred_batch_size").GetRawText());
        Assert.Equal("model.onnx", written.RootElement.GetProperty("default_model_filename").GetString());
        Assert.Equal(
            "{\"priority\":\"PRIORITY_DEFAULT\",\"input_pinned_memory\":{\"enable\":true},\"output_pinned_memory\":{\"enable\":true},\"gather_kernel_buffer_threshold\":0,\"eager_batching\":false}",
            written.RootElement.GetProperty("optimization").GetRawText()
        );
    }

    private static string Text(IReadOnlyList<TensorSpec> tensors) =>
        string.Join(' ', tensors.Select(tensor => $"{tensor.Name}{(tensor.IsOptional ? "?" : "")}{tensor.Shape}"));
}

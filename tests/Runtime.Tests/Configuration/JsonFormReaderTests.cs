using System.Text;
using System.Text.Json;
using Troupe.Messages.Failures;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>The JSON form means what the text format means, and what is wrong with it is said in the same words.</summary>
public sealed class JsonFormReaderTests
{
    [Theory]
    [InlineData("{}", "")]
    [InlineData("{\"batch_input\":[{\"kind\":\"BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO\"}]}", "batch_input { kind: 2 }")]
    [InlineData("{\"name\":\"m\",\"maxBatchSize\":8}", "name: 'm' max_batch_size: 8")]
    [InlineData("{\"max_batch_size\":\"8\",\"name\":null}", "max_batch_size: 8")]
    [InlineData("{\"max_batch_size\":8.0}", "max_batch_size: 8")]
    [InlineData(
        "{\"input\":[{\"dims\":[\"-1\",3],\"data_type\":\"TYPE_FP32\"},{\"data_type\":11}]}",
        "input { dims: [-1, 3] data_type: TYPE_FP32 } input { data_type: 11 }"
    )]
    [InlineData("{\"parameters\":{\"k\":{\"string_value\":\"v\"}}}", "parameters { key: 'k' value { string_value: 'v' } }")]
    [InlineData(
        "{\"dynamic_batching\":{\"priority_queue_policy\":{\"2\":{\"max_queue_size\":1}}}}",
        "dynamic_batching { priority_queue_policy { key: 2 value { max_queue_size: 1 } } }"
    )]
    [InlineData(
        "{\"sequence_batching\":{\"direct\":{\"minimum_slot_utilization\":\"-Infinity\"}}}",
        "sequence_batching { direct { minimum_slot_utilization: -inf } }"
    )]
    [InlineData("\ufeff {\"name\":\"m\\u00e4\"}", "name: 'm\u00e4'")]
    public void Both_forms_mean_the_same(string json, string text) => Assert.Equal(TextFormatReaderTests.Read(text), Read(json));

    [Theory]
    [InlineData("", 1, 1, "this is no JSON. The file ends here.")]
    [InlineData("[]", 1, 1, "a ModelConfig is one object")]
    [InlineData("{\n  \"nme\": 1}", 2, 3, "'nme' is no field of ModelConfig")]
    [InlineData("{\"name\":\"a\",\n\"name\":\"b\"}", 2, 1, "'name' is given a second time.")]
    [InlineData("{\"input\":[],\"input\":[]}", 1, 13, "'input' is given a second time.")]
    [InlineData("{\"name\":1}", 1, 9, "'name' is a text")]
    [InlineData("{\"input\":{}}", 1, 10, "'input' is a list")]
    [InlineData("{\"max_batch_size\":8.5}", 1, 19, "'max_batch_size' is a whole number.")]
    [InlineData("{\"max_batch_size\":1e30}", 1, 19, "'max_batch_size' is a whole number.")]
    [InlineData("{\"max_batch_size\":4294967296}", 1, 19, "'max_batch_size' is out of range")]
    [InlineData("{\"max_batch_size\":99999999999999999999999999999999}", 1, 19, "'max_batch_size' is out of range")]
    [InlineData("{\"input\":[{\"data_type\":\"FP32\"}]}", 1, 24, "'FP32' is no value of 'data_type'")]
    [InlineData("{\"input\":[{\"optional\":\"true\"}]}", 1, 23, "'optional' is true or false.")]
    [InlineData("{\"input\":[3]}", 1, 11, "'input' is a ModelInput")]
    [InlineData("{\"version_policy\":{\"all\":{},\"latest\":{}}}", 1, 29, "'latest' excludes 'all'")]
    [InlineData("{\"name\":\"m\",}", 1, 13, "this is no JSON.")]
    [InlineData("{\"name\":\"m\"", 1, 12, "this is no JSON. The file ends here.")]
    [InlineData("{\"name\":\"\\ud800\"}", 1, 9, "this text is no Unicode")]
    [InlineData("{} {}", 1, 4, "this is no JSON.")]
    public void What_is_wrong_is_named_with_line_and_column(string json, int line, int column, string problem)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Read(json));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.StartsWith($"'/models/m/config.json', line {line}, column {column}: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"parameters\":")]
    [InlineData("{\"input\":[")]
    [InlineData("[")]
    public void Ten_thousand_levels_are_refused(string level) =>
        Assert.Throws<ModuleLoadException>(() => Read(string.Concat(Enumerable.Repeat(level, 10_000))));

    [Fact]
    public void What_is_written_is_read_back()
    {
        ModelConfig config = TextFormatReaderTests.Read(
            """
            name: 'm' max_batch_size: 4 input { name: 'x' data_type: TYPE_INT64 dims: [-1, 2] reshape { } }
            version_policy { specific { versions: [1, 9223372036854775807] } }
            dynamic_batching { preferred_batch_size: [1, 2] priority_queue_policy { key: 3 value { timeout_action: DELAY } } }
            instance_group { count: 2 gpus: [0, 1] rate_limiter { resources { name: 'r' global: true count: 1 } } }
            parameters { key: 'a' value { string_value: '\xC3\xA4"' } } model_warmup { inputs { key: 'x' value { zero_data: true } } }
            model_metrics { metric_control { histogram_options { buckets: [0.5, inf, nan] } } } optimization { priority: PRIORITY_MAX }
            """
        );
        Assert.Equal(config, Read(Written(config)));
    }

    [Fact]
    public void What_was_not_given_is_written_but_for_messages_and_members_of_a_choice()
    {
        using JsonDocument empty = JsonDocument.Parse(Written(new ModelConfig()));
        Assert.Equal(
            [
                "name",
                "platform",
                "backend",
                "runtime",
                "max_batch_size",
                "input",
                "output",
                "batch_input",
                "batch_output",
                "instance_group",
                "default_model_filename",
                "cc_model_filenames",
                "metric_tags",
                "parameters",
                "model_warmup",
            ],
            empty.RootElement.EnumerateObject().Select(member => member.Name)
        );
        Assert.Equal("{\"shape\":[]}", Member(TextFormatReaderTests.Read("input { reshape { } }"), "input", "reshape"));
        Assert.Equal(
            "[-1,9223372036854775807]",
            Member(TextFormatReaderTests.Read("input { dims: [-1, 9223372036854775807] }"), "input", "dims")
        );

        static string Member(ModelConfig config, string list, string name)
        {
            using JsonDocument written = JsonDocument.Parse(Written(config));
            return written.RootElement.GetProperty(list)[0].GetProperty(name).GetRawText();
        }
    }

    private static ModelConfig Read(string json) =>
        ConfigurationFile.Parse(new ConfigurationText("/models/m/config.json", Encoding.UTF8.GetBytes(json)), isJson: true);

    private static string Written(ModelConfig config)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            JsonFormWriter.Write(writer, ModelConfig.Descriptor, Google.Protobuf.MessageExtensions.ToByteArray(config));
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}

using System.Text;
using Troupe.Messages.Failures;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>The text format in full, as people write it, and what is wrong with what they write (<see cref="TextValues"/>).</summary>
public sealed class TextFormatReaderTests
{
    public static TheoryData<string, string> SameMeaning() =>
        new()
        {
            { "name: \"m\" max_batch_size: 8", "name:\"m\",max_batch_size:8" },
            { "name: \"m\" max_batch_size: 8", "name : 'm' ; max_batch_size\n:\n8;" },
            { "name: \"m\"", "# a comment with 'quotes', \u00e4 and {\nname: \"m\" # and behind it" },
            { "name: \"model\"", "name: \"mo\" 'd' \"el\"" },
            { "name: \"a\\\"b'\\n\\t\\\\\"", "name: 'a\"b\\'\\x0A\\011\\x5c'" },
            { "name: \"\u00e4\U0001F600\"", "name: '\\xC3\\xA4\\U0001F600'" },
            { "name: \"\u00e4\"", "name: '\\u00E4'" },
            { "max_batch_size: 8", "max_batch_size: 0x8" },
            { "max_batch_size: 8", "max_batch_size: 010" },
            { "input { dims: [-1, 3] }", "input <dims: - 1 dims: 3>" },
            { "input { dims: [1, 2, 3] }", "input { dims: 1; dims: [2, 3], dims: [] }" },
            { "input { name: 'a' } input { name: 'b' }", "input [ { name: 'a' }, < name: 'b' > ]" },
            { "input { name: 'a' }", "input: { name: 'a' }," },
            { "input { data_type: TYPE_FP32 optional: true }", "input { data_type: 11 optional: 1 }" },
            { "input { optional: true } input { optional: false }", "input { optional: t } input { optional: False }" },
            { "input { optional: true } input { optional: false }", "input { optional: True } input { optional: 0x0 }" },
            { "", "# nothing\n" },
            { "parameters { key: 'k' value { string_value: 'v' } }", "parameters [{ value: { string_value: 'v' }; key: 'k' }]" },
            { "metric_tags { key: 'k' value: 'w' }", "metric_tags { key: 'k' value: 'v' } metric_tags { key: 'k' value: 'w' }" },
            { "version_policy { all { } }", "version_policy: < all: <> >" },
            {
                "sequence_batching { direct { minimum_slot_utilization: 0.5 } }",
                "sequence_batching { direct { minimum_slot_utilization: .5f } }"
            },
            {
                "sequence_batching { direct { minimum_slot_utilization: 50 } }",
                "sequence_batching { direct { minimum_slot_utilization: 5e+1F } }"
            },
            {
                "sequence_batching { direct { minimum_slot_utilization: -inf } }",
                "sequence_batching { direct { minimum_slot_utilization: -Infinity } }"
            },
            {
                "model_metrics { metric_control { histogram_options { buckets: [1, 2.5] } } }",
                "model_metrics { metric_control { histogram_options { buckets: [1.0, 25e-1] } } }"
            },
            { "name: 'm'", "\ufeffname: 'm'" },
            { "batch_input { kind: 2 }", "batch_input { kind: BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO }" },
        };

    [Theory, MemberData(nameof(SameMeaning))]
    public void Two_spellings_mean_the_same(string one, string other) => Assert.Equal(Read(one), Read(other));

    [Fact]
    public void A_number_that_is_none_and_numbers_without_bounds_are_read()
    {
        ModelConfig config = Read(
            "model_metrics { metric_control { histogram_options { buckets: [nan, inf, 1e999, 0.1] } } } dynamic_batching { max_queue_delay_microseconds: 18446744073709551615 }"
        );
        Assert.Equal(
            [double.NaN, double.PositiveInfinity, double.PositiveInfinity, 0.1],
            config.ModelMetrics.MetricControl[0].HistogramOptions.Buckets
        );
        Assert.Equal(ulong.MaxValue, config.DynamicBatching.MaxQueueDelayMicroseconds);
    }

    [Theory]
    [InlineData("nme: 'm'", 1, 1, "'nme' is no field of ModelConfig: it has name, platform,")]
    [InlineData("name: 'a'\nname: 'b'", 2, 1, "'name' is given a second time.")]
    [InlineData("input { name: 'a'\n", 2, 1, "the file ends where '}' is expected")]
    [InlineData("input [ { name: 'a' }", 1, 22, "in the list of 'input' a ',' or ']' is expected, not the end of the file.")]
    [InlineData("input {{{ nonsense", 1, 8, "the name of a field is expected, or '}', not '{'.")]
    [InlineData("input < name: 'a' }", 1, 19, "the name of a field is expected, or '>', not '}'.")]
    [InlineData("name 'm'", 1, 6, "after 'name' a ':' is expected")]
    [InlineData("name: m", 1, 7, "'name' is a text: write it in quotes.")]
    [InlineData("name: 'm\n'", 1, 7, "the text that begins here has no end")]
    [InlineData("name: 'm\\'", 1, 7, "the text that begins here has no end")]
    [InlineData("name: 'ab\\q'", 1, 10, "'\\q' begins no escape that is known")]
    [InlineData("name: '\\xFF'", 1, 7, "'name' is no UTF-8")]
    [InlineData("name: '\\uD800'", 1, 8, "begins no escape")]
    [InlineData("name: ['m']", 1, 7, "'name' has one value")]
    [InlineData("max_batch_size: 8.0", 1, 17, "'max_batch_size' is a whole number.")]
    [InlineData("max_batch_size: 08", 1, 17, "'max_batch_size' is a whole number.")]
    [InlineData("max_batch_size: 2147483648", 1, 17, "'max_batch_size' is out of range")]
    [InlineData("max_batch_size: 99999999999999999999", 1, 17, "'max_batch_size' is out of range")]
    [InlineData("max_batch_size: 'a'", 1, 17, "'max_batch_size' is a whole number.")]
    [InlineData("model_warmup { count: -1 }", 1, 23, "'count' is out of range: give a whole number from 0 to 4294967295.")]
    [InlineData("input { data_type: TYPE_FP31 }", 1, 20, "'TYPE_FP31' is no value of 'data_type': give one of TYPE_INVALID, TYPE_BOOL")]
    [InlineData("input { data_type: 99 }", 1, 20, "'99' is no value of 'data_type'")]
    [InlineData("input { optional: yes }", 1, 19, "'optional' is true or false.")]
    [InlineData("input { optional: 2 }", 1, 19, "'optional' is true or false.")]
    [InlineData("input: 5", 1, 8, "'input' is a ModelInput: write its fields in braces. Here stands '5'.")]
    [InlineData("parameters: 'a'", 1, 13, "'parameters' is a map")]
    [InlineData("version_policy { latest { } all { } }", 1, 29, "'all' excludes 'latest', which is given too.")]
    [InlineData("[type.googleapis.com/x] { }", 1, 1, "extensions and 'Any' messages are no part of a configuration")]
    [InlineData("sequence_batching { direct { minimum_slot_utilization: 0x1 } }", 1, 56, "is a decimal number.")]
    [InlineData("input { dims: [1, 2,] }", 1, 21, "'dims' is a whole number. Here stands ']'.")]
    [InlineData("name: '\u00e4\u00f6', nope: 1", 1, 13, "'nope' is no field")]
    public void What_is_wrong_is_named_with_line_and_column(string text, int line, int column, string problem)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Read(text));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.StartsWith($"'/models/m/config.pbtxt', line {line}, column {column}: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_cut_off_anywhere_is_whole_or_refused()
    {
        const string Text =
            "name: 'm' input [ { dims: [ 1, 2 ] reshape { shape: [ 2 ] } } ] parameters { key: 'a' value { string_value: 'b' } }";
        int refused = 0;
        for (int length = 0; length < Text.Length; length++)
        {
            if (Record.Exception(() => Read(Text[..length])) is { } trouble)
            {
                Assert.IsType<ModuleLoadException>(trouble);
                refused++;
            }
        }

        // It is whole only where no field is under way.
        Assert.InRange(refused, Text.Length - 20, Text.Length - 3);
    }

    [Theory]
    [InlineData("input {")]
    [InlineData("input [")]
    [InlineData("<")]
    [InlineData("parameters { value {")]
    public void Ten_thousand_levels_are_refused_at_the_first_that_the_schema_has_not(string level)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Read(string.Concat(Enumerable.Repeat(level, 10_000))));
        Assert.StartsWith("'/models/m/config.pbtxt', line 1, column ", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_a_mebibyte_is_refused_before_it_is_read()
    {
        var text = new ConfigurationText("/models/m/config.pbtxt", new byte[ConfigurationText.MaxBytes + 1]);
        Assert.Contains(
            "a configuration has at most 1048576",
            Assert.Throws<ModuleLoadException>(() => ConfigurationFile.Parse(text, isJson: false)).Message,
            StringComparison.Ordinal
        );
    }

    internal static ModelConfig Read(string text) =>
        ConfigurationFile.Parse(new ConfigurationText("/models/m/config.pbtxt", Encoding.UTF8.GetBytes(text)), isJson: false);
}

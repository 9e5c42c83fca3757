using Troupe.Runtime.Configuration;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>The queue policies of <c>dynamic_batching</c>, as Triton means them.</summary>
public sealed class QueuePolicyTests
{
    private const string Levels =
        "priority_levels: 3 default_priority_level: 2 default_queue_policy { default_timeout_microseconds: 1000 } priority_queue_policy { key: 1 value { max_queue_size: 5 } }";

    [Theory]
    [InlineData(null, 0, 500, -1)]
    [InlineData("", 0, 500, -1)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 1000 }", 0, 0, 1000)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 1000 }", 0, 500, 1000)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 1000 allow_timeout_override: true }", 0, 500, 500)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 1000 allow_timeout_override: true }", 0, 5000, 1000)]
    [InlineData("default_queue_policy { allow_timeout_override: true }", 0, 500, -1)]
    [InlineData("default_queue_policy { timeout_action: DELAY default_timeout_microseconds: 1000 }", 0, 0, -1)]
    [InlineData(Levels, 0, 0, 1000)]
    [InlineData(Levels, 1, 0, -1)]
    [InlineData(Levels, 3, 0, 1000)]
    [InlineData(Levels, 9, 0, 1000)]
    [InlineData("default_queue_policy { default_timeout_microseconds: 18446744073709551615 }", 0, 0, 86_400_000_000)]
    public void A_timeout_can_only_shorten_a_default_that_may_be_overridden(string? given, ulong priority, ulong asked, long expected) =>
        Assert.Equal(expected, (long?)Of(given).QueueTime(priority, asked)?.TotalMicroseconds ?? -1);

    [Theory]
    [InlineData(null, 1, null)]
    [InlineData("default_queue_policy { max_queue_size: 64 }", 0, 64)]
    [InlineData("default_queue_policy { }", 0, null)]
    [InlineData(Levels, 1, 5)]
    [InlineData(Levels, 2, null)]
    public void So_many_may_wait(string? given, ulong priority, int? expected) => Assert.Equal(expected, Of(given).MaxQueueSize(priority));

    [Theory]
    [InlineData(null, 3, 3)]
    [InlineData(null, 9, 0)]
    [InlineData("", 3, 3)]
    [InlineData(Levels, 0, 2)]
    [InlineData(Levels, 3, 3)]
    [InlineData(Levels, 4, 2)]
    [InlineData("priority_levels: 16 default_priority_level: 8", 1, 1)]
    [InlineData("priority_levels: 16 default_priority_level: 8", 16, 8)]
    [InlineData("priority_levels: 16 default_priority_level: 8", 0, 4)]
    [InlineData("priority_levels: 18446744073709551615 default_priority_level: 1", 18446744073709551615, 8)]
    public void Priorities_are_levels_of_the_node(string? given, ulong priority, ulong expected) =>
        Assert.Equal(expected, Of(given).Priority(priority, levels: 8));

    [Theory]
    [InlineData(null, 0, 8)]
    [InlineData("", 0, 8)]
    [InlineData("max_queue_delay_microseconds: 100000", 100, 8)]
    [InlineData("max_queue_delay_microseconds: 18446744073709551615", 86_400_000, 8)]
    [InlineData("max_queue_delay_microseconds: 1 preferred_batch_size: [ 6, 4 ]", 0.001, 4)]
    public void Requests_are_held_back_until_they_fill_the_least_batch_that_is_preferred(string? given, double milliseconds, long full) =>
        Assert.Equal((TimeSpan.FromMilliseconds(milliseconds), full), (Of(given).BatchDelay, Of(given).FullBatch(maxBatchSize: 8)));

    private static QueuePolicy Of(string? batching) =>
        new(batching is null ? null : TextFormatReaderTests.Read($"dynamic_batching {{ {batching} }}").DynamicBatching);
}

using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Tests.Modules;

public sealed class TableTests
{
    [Fact]
    public void Every_place_is_walked_once_and_names_its_entry()
    {
        var table = new Table<SegmentIndex, string>(["a", "b", "c"]);
        var seen = new List<string>();
        foreach (SegmentIndex segment in table.Indices)
        {
            seen.Add(table[segment]);
        }

        Assert.Equal(["a", "b", "c"], seen);
        table[SegmentIndex.Of(1)] = "changed";
        Assert.Equal(["a", "changed", "c"], table.Items);
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(4, true)]
    [InlineData(5, false)]
    public void A_range_holds_its_first_place_and_as_many_as_it_counts(int place, bool isInside) =>
        Assert.Equal(isInside, new IndexRange<TensorIndex>(2, 3).Contains(TensorIndex.Of(place)));

    [Fact]
    public void An_empty_range_is_walked_not_at_all()
    {
        foreach (DeviceIndex device in new Table<DeviceIndex, int>(0).Indices)
        {
            Assert.Fail($"There is no device {device.Value}.");
        }
    }
}

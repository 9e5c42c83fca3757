using Microsoft.Extensions.Time.Testing;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Tests.Membership;

public sealed class DoorsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _lines = [];
    private readonly Doors _doors;

    public DoorsTests() => _doors = new Doors(_time, _lines.Add);

    [Fact]
    public void Everything_dropped_is_counted_by_its_reason_and_a_flood_costs_one_line_in_ten_seconds()
    {
        for (int i = 0; i < 1000; i++)
        {
            _doors.Drop(ForeignReason.NoMember, new NodeId("10.0.0.7:4053"));
        }

        _doors.Drop(ForeignReason.NotRead);
        Assert.Equal("Dropped 1 foreign message; the last: from no member of this cluster, sender 10.0.0.7:4053.", Assert.Single(_lines));

        _time.Advance(Doors.LogInterval);
        _doors.Drop(ForeignReason.Invalid);
        Assert.Equal("Dropped 1001 foreign messages; the last: no valid message, sender unknown.", _lines[^1]);
        Assert.Equal(2, _lines.Count);
        Assert.Equal([1, 1, 1000, 0, 0, 0], _doors.Dropped.OrderBy(dropped => dropped.Key).Select(dropped => dropped.Value));
    }

    [Theory]
    [InlineData(":")]
    [InlineData("a\nb:1")]
    [InlineData("\u001b[2J:1")]
    public void A_senders_words_do_not_reach_the_log_unless_they_are_an_address(string sender)
    {
        _doors.Drop(ForeignReason.NoMember, new NodeId(sender));
        Assert.EndsWith("sender unknown.", Assert.Single(_lines), StringComparison.Ordinal);
    }

    [Fact]
    public void A_node_is_a_member_until_it_is_removed()
    {
        var node = new NodeId("a:1");
        Assert.False(_doors.IsMember(node));
        _doors.Add(node);
        Assert.True(_doors.IsMember(node));
        _doors.Remove(node);
        Assert.False(_doors.IsMember(node));
    }
}

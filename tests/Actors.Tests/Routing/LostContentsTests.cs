using Troupe.Actors.Routing;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Tests.Routing;

public sealed class LostContentsTests
{
    private static readonly ModelVersion Model = new("m", 1, default);

    private readonly LostContents _contents = new(TimeSpan.FromMinutes(10), limit: 3);

    [Fact]
    public void The_oldest_makes_room_whenever_it_was_told()
    {
        Add(1, at: 3);
        Add(2, at: 1);
        Add(3, at: 2);
        Add(4, at: 4);
        Assert.Equal([3, 1, 4], _contents.All.Select(lost => (int)lost.Content.Low));
        Assert.Equal(3, _contents.Count);
    }

    [Fact]
    public void A_version_is_known_until_the_last_of_it_is_too_old()
    {
        Add(1, at: 0);
        Add(2, at: 60);
        Assert.True(_contents.Knows(Model));
        _contents.Expire(TimeSpan.FromMinutes(10));
        Assert.False(_contents.TryFind(Content(1), out _));
        Assert.True(_contents.TryFind(Content(2), out _));
        _contents.Expire(TimeSpan.FromMinutes(11));
        Assert.False(_contents.Knows(Model));
    }

    private static ForwardContent Content(ulong low) => new(Model, 0, low);

    private void Add(ulong low, double at) => _contents.Add(new LostContent(Content(low), "", TimeSpan.FromSeconds(at)));
}

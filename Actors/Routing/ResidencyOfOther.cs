using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>The models of another node that come in pages, and the version that is whole.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterMembers"/> and of its thread.</remarks>
internal sealed class ResidencyOfOther
{
    private static readonly TimeSpan AskInterval = TimeSpan.FromSeconds(1);

    private readonly Dictionary<int, ModelSnapshot[]> _pages = [];
    private (NodeIncarnation Life, long Version) _whole;
    private (NodeIncarnation Life, long Version) _coming;
    private (NodeIncarnation Life, long Version) _named;
    private TimeSpan? _askedAt;

    /// <summary>Of the newest version that is whole, one array as long as that is so.</summary>
    public ModelSnapshot[] Models { get; private set; } = [];

    /// <summary>A snapshot with the models as far as they are known.</summary>
    public NodeSnapshot Complete(NodeSnapshot snapshot)
    {
        if (_whole.Life != snapshot.Incarnation)
        {
            Models = [];
        }

        return snapshot with
        {
            Models = Models,
        };
    }

    /// <summary>Whether the node has to be asked for its models, which it is once a second at most.</summary>
    public bool Asks(NodeSnapshot snapshot, TimeSpan now)
    {
        _named = (snapshot.Incarnation, snapshot.Residency);
        if (_whole == _named || now - _askedAt < AskInterval)
        {
            return false;
        }

        _askedAt = now;
        return true;
    }

    /// <summary>True when a newer version is whole.</summary>
    public bool Add(ResidencyPage page)
    {
        (NodeIncarnation, long) version = (page.Incarnation, page.Version);
        if (version == _whole || (page.Incarnation == _whole.Life && page.Version < _whole.Version && version != _named))
        {
            return false;
        }

        if (version != _coming)
        {
            _coming = version;
            _pages.Clear();
        }

        _pages[page.Index] = page.Models;
        if (_pages.Count < page.Count)
        {
            return false;
        }

        Models = [.. _pages.OrderBy(one => one.Key).SelectMany(one => one.Value)];
        _whole = version;
        _pages.Clear();
        _coming = default;
        return true;
    }
}

using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>A content that was lost with what ran it.</summary>
/// <param name="Where">What it was lost with, for people.</param>
/// <param name="At">When, on the node's clock.</param>
internal sealed record LostContent(ForwardContent Content, string Where, TimeSpan At);

/// <summary>Contents that were lost, for a time and at most so many: the oldest make room.</summary>
/// <remarks>Knows no Akka. <b>Owns</b> its entries. <b>Thread</b> its router's.</remarks>
internal sealed class LostContents(TimeSpan kept, int limit)
{
    private readonly Dictionary<ForwardContent, LinkedListNode<LostContent>> _entries = [];
    private readonly LinkedList<LostContent> _byAge = new();
    private readonly Dictionary<ModelVersion, int> _models = [];

    public IEnumerable<LostContent> All => _byAge;

    public int Count => _entries.Count;

    /// <summary>Whether there is any of this version, so that nobody hashes for nothing.</summary>
    public bool Knows(ModelVersion model) => _models.Count > 0 && _models.ContainsKey(model);

    public bool TryFind(ForwardContent content, [NotNullWhen(true)] out LostContent? lost)
    {
        lost = _entries.TryGetValue(content, out LinkedListNode<LostContent>? node) ? node.Value : null;
        return lost is not null;
    }

    /// <summary>Takes the place of an earlier entry of the same content.</summary>
    public void Add(LostContent lost)
    {
        Remove(lost.Content);
        if (_entries.Count == limit)
        {
            Remove(_byAge.First!.Value.Content);
        }

        // What another node tells of may be older than what is here.
        LinkedListNode<LostContent>? before = _byAge.Last;
        while (before is not null && before.Value.At > lost.At)
        {
            before = before.Previous;
        }

        _entries.Add(lost.Content, before is null ? _byAge.AddFirst(lost) : _byAge.AddAfter(before, lost));
        _models[lost.Content.Model] = _models.GetValueOrDefault(lost.Content.Model) + 1;
    }

    public bool Remove(ForwardContent content)
    {
        if (!_entries.Remove(content, out LinkedListNode<LostContent>? node))
        {
            return false;
        }

        _byAge.Remove(node);
        if (--_models[content.Model] == 0)
        {
            _models.Remove(content.Model);
        }

        return true;
    }

    public void Expire(TimeSpan now)
    {
        while (_byAge.First is { } oldest && now - oldest.Value.At >= kept)
        {
            Remove(oldest.Value.Content);
        }
    }
}

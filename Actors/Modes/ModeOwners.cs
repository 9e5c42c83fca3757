using Troupe.Actors.Decisions;

namespace Troupe.Actors.Modes;

/// <summary>The owners of live modes, which this directory has watched: the death of one ends what it entered.</summary>
/// <remarks>Knows no Akka; part of <see cref="ModeDirectoryCore"/> and of its thread.</remarks>
internal sealed class ModeOwners(ModeStore store, DecisionQueue<ModeDecision, IModeShell> decisions)
{
    private readonly SortedSet<string> _owners = new(StringComparer.Ordinal);

    /// <summary>Every directory watches the owners of what is live.</summary>
    public void Update()
    {
        HashSet<string> live =
        [
            .. store.Table.Entries.Where(entry => entry.Owner is not null && store.IsLive(entry)).Select(entry => entry.Owner!),
        ];
        foreach (string owner in _owners.Where(owner => !live.Contains(owner)).ToArray())
        {
            _owners.Remove(owner);
            decisions.Add(new ModeDecision.Unwatch(owner));
        }

        foreach (string owner in live.Where(_owners.Add))
        {
            decisions.Add(new ModeDecision.Watch(owner));
        }
    }
}

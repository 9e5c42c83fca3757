namespace Troupe.Actors.Models;

/// <summary>Which changes of residency are under way and which wait: those of one model one after another, so that each sees what the
/// former left, those of several side by side, so that one that hangs holds up no other while
/// fewer than <see cref="AtOnce"/> do.</summary>
/// <remarks>Knows no Akka; part of <see cref="ModelOperations"/> and of its thread.</remarks>
internal sealed class OperationQueue
{
    /// <summary>Most loads that wait, and most unloads.</summary>
    public const int Limit = 256;

    /// <summary>Most loads at once, and most restores: each takes a core and the memory of a model. A device gets back what was on it
    /// however many loads hang, and unloads wait for none of them.</summary>
    public const int AtOnce = 4;

    private readonly List<ModelOperation> _waiting = [];
    private readonly List<ModelOperation> _running = [];

    /// <summary>Those under way, as they are now.</summary>
    public IReadOnlyList<ModelOperation> Running => [.. _running];

    /// <summary>Those under way and those that wait.</summary>
    public IEnumerable<ModelOperation> All => _running.Concat(_waiting);

    public bool IsIdle => _running.Count == 0 && _waiting.Count == 0;

    public bool IsFullFor(ModelOperation operation) => CountAs(operation, _waiting) >= Limit;

    /// <summary>The operation under way whose present step this is.</summary>
    public ModelOperation? Of(long ticket) => _running.Find(operation => operation.Ticket == ticket);

    public void Add(ModelOperation operation) => _waiting.Add(operation);

    /// <summary>Before every load and unload: a load that may not begin yet would else hold up what its model has lost.</summary>
    public void Add(ModelOperation.Restore restore) =>
        _waiting.Insert(_waiting.FindLastIndex(operation => operation is ModelOperation.Restore) + 1, restore);

    /// <summary>The first that waits behind none on the same model and, where it loads, for none of too many; it is under way from now
    /// on.</summary>
    /// <param name="mayBegin">False: it waits, and those on the same model behind it.</param>
    public ModelOperation? TakeNext(Predicate<ModelOperation> mayBegin)
    {
        HashSet<string> busy = [.. _running.Select(operation => operation.Name)];
        for (int index = 0; index < _waiting.Count; index++)
        {
            ModelOperation next = _waiting[index];
            if (busy.Add(next.Name) && (next is ModelOperation.Unload || CountAs(next, _running) < AtOnce) && mayBegin(next))
            {
                _waiting.RemoveAt(index);
                _running.Add(next);
                return next;
            }
        }

        return null;
    }

    /// <summary>It is over.</summary>
    public void End(ModelOperation operation) => _running.Remove(operation);

    /// <summary>How many are of its kind: loads, unloads or restores.</summary>
    private static int CountAs(ModelOperation one, List<ModelOperation> operations) =>
        operations.Count(operation => operation.GetType() == one.GetType());
}

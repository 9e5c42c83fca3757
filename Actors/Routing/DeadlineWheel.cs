namespace Troupe.Actors.Routing;

/// <summary>Finds the forwards whose deadline has passed with one timer for all of them.</summary>
/// <remarks>A hashed wheel: adding and removing take constant time. An entry expires at the first <see cref="Advance"/> at or after its
/// deadline's tick, never before its deadline.</remarks>
internal sealed class DeadlineWheel
{
    public static TimeSpan Tick { get; } = TimeSpan.FromMilliseconds(10);

    private const int SlotCount = 512;

    private readonly DeadlineEntry?[] _slots = new DeadlineEntry?[SlotCount];
    private long _handled;

    public int Count { get; private set; }

    public void Add(DeadlineEntry entry)
    {
        // A deadline in the past waits for the next tick like any other.
        long tick = Math.Max(TickOf(entry.Deadline), _handled + 1);
        int slot = (int)(tick % SlotCount);
        entry.Slot = slot;
        entry.Previous = null;
        entry.Next = _slots[slot];
        if (entry.Next is { } next)
        {
            next.Previous = entry;
        }

        _slots[slot] = entry;
        Count++;
    }

    /// <summary>Takes an entry out; nothing happens when it is not in.</summary>
    public void Remove(DeadlineEntry entry)
    {
        if (entry.Slot < 0)
        {
            return;
        }

        if (entry.Previous is { } previous)
        {
            previous.Next = entry.Next;
        }
        else
        {
            _slots[entry.Slot] = entry.Next;
        }

        if (entry.Next is { } next)
        {
            next.Previous = entry.Previous;
        }

        entry.Previous = entry.Next = null;
        entry.Slot = -1;
        Count--;
    }

    /// <summary>Takes out every entry whose deadline is at or before <paramref name="now"/> and appends it to
    /// <paramref name="expired"/>.</summary>
    public void Advance(TimeSpan now, List<DeadlineEntry> expired)
    {
        long current = now.Ticks / Tick.Ticks;
        if (current <= _handled)
        {
            return;
        }

        long steps = Math.Min(current - _handled, SlotCount);
        for (long tick = current - steps + 1; tick <= current; tick++)
        {
            Visit((int)(tick % SlotCount), now, expired);
        }

        _handled = current;
    }

    private void Visit(int slot, TimeSpan now, List<DeadlineEntry> expired)
    {
        for (DeadlineEntry? entry = _slots[slot]; entry is not null; )
        {
            DeadlineEntry? next = entry.Next;
            if (entry.Deadline <= now)
            {
                Remove(entry);
                expired.Add(entry);
            }

            entry = next;
        }
    }

    private static long TickOf(TimeSpan deadline) => (deadline.Ticks + Tick.Ticks - 1) / Tick.Ticks;
}

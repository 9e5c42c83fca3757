namespace Troupe.Actors.Routing;

/// <summary>What a <see cref="DeadlineWheel"/> holds: the links live in the entry, so that waiting for a deadline allocates
/// nothing.</summary>
internal abstract class DeadlineEntry
{
    /// <summary>On the node's clock.</summary>
    public TimeSpan Deadline { get; init; }

    internal DeadlineEntry? Previous { get; set; }

    internal DeadlineEntry? Next { get; set; }

    /// <summary>-1 while it is in no wheel.</summary>
    internal int Slot { get; set; } = -1;
}

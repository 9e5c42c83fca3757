namespace Troupe.Actors.Modes;

/// <summary>How long a mode directory waits for others, and how often it looks after itself.</summary>
public sealed record ModeDirectoryOptions
{
    /// <summary>Longest wait for every GPU in a scope to say whether it would do.</summary>
    public TimeSpan PrepareBound { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for every GPU in a scope to run under a change, the end of the forwards before it included.</summary>
    public TimeSpan CommitBound { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How much later than its participants a coordinator gives up, so that their word of who was silent arrives.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often two directories compare what they hold when nothing happens.</summary>
    public TimeSpan CompareInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How soon an unanswered comparison is repeated.</summary>
    public TimeSpan CompareRetry { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How long what is over is kept after every member knows of it; longer than any message can be under way.</summary>
    public TimeSpan TombstoneAge { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Entries in one page of an exchange, so that a page stays far below the size of a message.</summary>
    public int PageSize { get; init; } = 64;
}

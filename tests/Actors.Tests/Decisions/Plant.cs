namespace Troupe.Actors.Tests.Decisions;

/// <summary>Makes one application of a decision throw, the one with the given number; counts them all.</summary>
internal sealed class Plant
{
    public const string Reason = "planted";

    /// <summary>The application that throws, counted from 0; -1 for none.</summary>
    public int At { get; set; } = -1;

    /// <summary>How many applications there were.</summary>
    public int Count { get; private set; }

    public void Pass()
    {
        if (Count++ == At)
        {
            throw new InvalidOperationException(Reason);
        }
    }
}

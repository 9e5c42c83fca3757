namespace Troupe.Messages.Forwarding;

/// <summary>The priorities of online forwards, as the V2 protocol numbers them.</summary>
public static class ForwardPriority
{
    /// <summary>How many levels there are; 1 is the highest.</summary>
    public const int Levels = 8;

    /// <summary>The level of a forward that names none.</summary>
    public const int DefaultLevel = 4;

    /// <summary>The level of a priority: 0, and what is no level, is the default one.</summary>
    public static int Level(int priority) => priority is >= 1 and <= Levels ? priority : DefaultLevel;
}

namespace Troupe.Hosting.Failures;

/// <summary>What a caller should do with a call that failed.</summary>
internal enum CallerAdvice
{
    /// <summary>Change the call or what it needs first: the same call fails again.</summary>
    Never,

    /// <summary>The same call may succeed here in a moment.</summary>
    Later,

    /// <summary>The same call may succeed on another node; this one stops.</summary>
    Elsewhere,
}

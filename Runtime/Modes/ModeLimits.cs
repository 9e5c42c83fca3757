namespace Troupe.Runtime.Modes;

/// <summary>Bounds of leases.</summary>
public static class ModeLimits
{
    /// <summary>Below this a lease would end before its acknowledgement can have crossed the cluster.</summary>
    public static TimeSpan MinimumLease { get; } = TimeSpan.FromMilliseconds(100);

    /// <summary>What nobody renews for a day nobody wants.</summary>
    public static TimeSpan MaximumLease { get; } = TimeSpan.FromHours(24);

    /// <summary>Longest file name of a runtime cache.</summary>
    public const int MaximumPathLength = 4096;
}

namespace Troupe.Hosting.Failures;

/// <summary>Why a forward failed, in the words of Triton's metrics.</summary>
internal enum FailureReason
{
    /// <summary>The engine or the device.</summary>
    Backend,

    /// <summary>Its time ran out or a queue was full.</summary>
    Rejected,

    /// <summary>The caller went away.</summary>
    Canceled,
    Other,
}

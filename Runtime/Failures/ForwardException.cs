using Troupe.Messages.Failures;

namespace Troupe.Runtime.Failures;

/// <summary>A forward cannot run or has failed: the kind that goes into its reply, and a text for people.</summary>
public sealed class ForwardException(FailureKind kind, string message, Exception? cause = null) : Exception(message, cause)
{
    public FailureKind Kind { get; } = kind;

    /// <summary>Outputs were prepared for other shapes than they got, and the right ones are known now: run once more, the forward meets
    /// its own fault or none.</summary>
    internal bool IsShapeContradiction { get; init; }
}

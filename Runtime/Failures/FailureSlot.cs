using Troupe.Messages.Failures;

namespace Troupe.Runtime.Failures;

/// <summary>Where work on a stream leaves a failure of the computation, and completion finds it; the device stays healthy.</summary>
/// <remarks>One per lane, because a lane has one submission at a time and recorded graphs keep pointing at it. The first failure of a
/// submission stays. <b>Thread</b> any.</remarks>
internal sealed class FailureSlot
{
    private ForwardException? _failure;

    public void Fail(FailureKind kind, string message, Exception? cause = null) => Fail(new ForwardException(kind, message, cause));

    public void Fail(ForwardException failure) => Interlocked.CompareExchange(ref _failure, failure, null);

    public bool IsEmpty => Volatile.Read(ref _failure) is null;

    /// <summary>The failure, if there is one; the slot is empty afterwards.</summary>
    public ForwardException? Remove() => Interlocked.Exchange(ref _failure, null);
}

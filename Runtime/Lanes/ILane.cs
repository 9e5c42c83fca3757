using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Lanes;

/// <summary>One stream with its contexts and buffers, leased by one submission at a time; the unit of overlap.</summary>
/// <remarks>
/// Lease, <see cref="Submit"/>, <see cref="ISubmission.Poll"/> each forward until it is not pending, take its result,
/// <see cref="IDisposable.Dispose"/> to give the lane back; or <see cref="Detach"/> what is computed, and give the lane back
/// at once.
/// <b>Thread</b> the executor's. <b>Blocks</b> never: on real devices work is only enqueued; on emulated ones of the inline policy it runs
/// inside <see cref="Submit"/>.
/// </remarks>
public interface ILane : ISubmission
{
    /// <summary>How many forwards one submission may hold; at least 1.</summary>
    int MaxForwards { get; }

    /// <summary>Starts forwards that share their settings: checks, copies in, launches, copies out. <paramref name="wake"/> is called, on
    /// any thread, when it is worth polling.</summary>
    /// <exception cref="ArgumentException">There are none, or more than <see cref="MaxForwards"/>.</exception>
    /// <exception cref="ForwardException">The inputs or settings do not fit; nothing was enqueued and the lane is as before.</exception>
    void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake);

    /// <summary>Takes a submission off the lane that needs nothing of it any more: it is computed, and its outputs travel to the host out
    /// of memory of its own. It goes on as what is returned, and is that one's to dispose; the lane is to be given back. Null while there
    /// is nothing to take off.</summary>
    ISubmission? Detach();
}

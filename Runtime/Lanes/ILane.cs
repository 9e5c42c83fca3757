using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Lanes;

/// <summary>One stream with its contexts and buffers, leased by one submission at a time; the unit of overlap.</summary>
/// <remarks>
/// Lease, <see cref="Submit"/>, <see cref="Poll"/> each forward until it is not pending, take its result, <see cref="IDisposable.Dispose"/>
/// to give the lane back. A forward is named by its place in the submission, from 0.
/// <b>Thread</b> the executor's. <b>Blocks</b> never: on real devices work is only enqueued; on emulated ones of the inline policy it runs
/// inside <see cref="Submit"/>.
/// </remarks>
public interface ILane : IDisposable
{
    /// <summary>How many forwards one submission may hold; at least 1.</summary>
    int MaxForwards { get; }

    /// <summary>Starts forwards that share their settings: checks, copies in, launches, copies out. <paramref name="wake"/> is called, on
    /// any thread, when it is worth polling.</summary>
    /// <exception cref="ArgumentException">There are none, or more than <see cref="MaxForwards"/>.</exception>
    /// <exception cref="ForwardException">The inputs or settings do not fit; nothing was enqueued and the lane is as before.</exception>
    void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake);

    /// <summary>What became of one forward of the submission so far.</summary>
    LaneStatus Poll(int forward);

    /// <summary>After <see cref="LaneStatus.Succeeded"/>: the outputs of one forward in the module's order.</summary>
    /// <param name="leasesFrom">Each is on lease from there, and the caller's to release; null: each owns its bytes.</param>
    /// <exception cref="ForwardException">The host has no memory for them.</exception>
    Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null);

    /// <summary>After <see cref="LaneStatus.Failed"/>: why.</summary>
    ForwardException FailureOf(int forward);

    /// <summary>Nanoseconds one forward spent copying in, computing and copying out, as far as the device tells.</summary>
    (long Input, long Infer, long Output) TimesOf(int forward);
}

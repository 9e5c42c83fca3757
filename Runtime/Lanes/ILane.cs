using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Lanes;

/// <summary>One stream with its contexts and buffers, leased by one forward at a time; the unit of overlap.</summary>
/// <remarks>
/// Lease, <see cref="Submit"/>, <see cref="Poll"/> until it is not pending, take the result, <see cref="IDisposable.Dispose"/> to give the
/// lane back.
/// <b>Thread</b> the executor's. <b>Blocks</b> never: on real devices work is only enqueued; on emulated ones of the inline policy it runs
/// inside <see cref="Submit"/>.
/// </remarks>
public interface ILane : IDisposable
{
    /// <summary>Starts one forward: checks, copies in, launches, copies out. <paramref name="wake"/> is called, on any thread, when it is
    /// worth polling.</summary>
    /// <param name="inputs">Host tensors in any order; they stay alive and unchanged until the submission is done.</param>
    /// <param name="outputs">Names wanted; empty means all.</param>
    /// <exception cref="ForwardException">The inputs or settings do not fit; nothing was enqueued and the lane is as before.</exception>
    void Submit(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<string> outputs, ModeSettings settings, Action wake);

    LaneStatus Poll();

    /// <summary>After <see cref="LaneStatus.Succeeded"/>: the outputs in the module's order, each owning its bytes.</summary>
    Tensor[] TakeOutputs();

    /// <summary>After <see cref="LaneStatus.Failed"/>: why.</summary>
    ForwardException Failure { get; }

    /// <summary>Nanoseconds the last submission spent copying in, computing and copying out, as far as the device tells.</summary>
    (long Input, long Infer, long Output) Times { get; }
}

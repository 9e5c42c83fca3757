using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Diagnostics;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>A module loaded on a home device, whose lanes run forwards.</summary>
/// <remarks><b>Owns</b> engines, lanes and buffers. <b>Thread</b> the executor's, after it was handed over. Disposed there; work in flight ends first.</remarks>
public interface IModuleInstance : IDisposable
{
    ModuleSpec Module { get; }

    int HomeOrdinal { get; }

    /// <summary>Every ordinal its segments lie on, home first.</summary>
    IReadOnlyList<int> Ordinals { get; }

    /// <summary>What of the module decides which modes can hold for it. Does not change while it is loaded.</summary>
    ModuleTraits Traits => ModuleTraits.Plain;

    /// <summary>Why these settings cannot run on this module (texts of torch_tensorrt), or null when they can.</summary>
    string? Conflict(ModeSettings settings) => ModeConflicts.Find(settings, Traits)?.Reason;

    /// <summary>Takes an idle lane, last used first; false when all are leased and no further one fits the budget.</summary>
    bool TryLease(out ILane lane);

    /// <summary>Applies a per-instance setting (budget, workspace, runtime settings, profiling) between forwards; every lane is idle then.</summary>
    /// <exception cref="ForwardException">The back end cannot do it; nothing changed.</exception>
    void Apply(ModeSettings settings);

    /// <summary>What it has done so far and what it keeps.</summary>
    InstanceSnapshot Snapshot();

    /// <summary>Frees recordings and buffer sets that nothing holds any longer; those of lanes at work when they are idle again.</summary>
    void Release(HeldModes held);

    /// <summary>Everything the last <see cref="Release"/> was to free is free; asking frees what can be freed by now.</summary>
    bool IsReleased => true;
}

/// <summary>What became of a submission so far.</summary>
public enum LaneStatus
{
    Pending,
    Succeeded,
    Failed,
}

/// <summary>One stream with its contexts and buffers, leased by one forward at a time; the unit of overlap.</summary>
/// <remarks>
/// Lease, <see cref="Submit"/>, <see cref="Poll"/> until it is not pending, take the result, <see cref="IDisposable.Dispose"/> to give the lane back.
/// <b>Thread</b> the executor's. <b>Blocks</b> never: on real devices work is only enqueued; on emulated ones of the inline policy it runs inside <see cref="Submit"/>.
/// </remarks>
public interface ILane : IDisposable
{
    /// <summary>Starts one forward: checks, copies in, launches, copies out. <paramref name="wake"/> is called, on any thread, when it is worth polling.</summary>
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

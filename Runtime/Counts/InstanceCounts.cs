namespace Troupe.Runtime.Counts;

/// <summary>A copy of an instance's counters.</summary>
/// <param name="Forwards">Forwards launched.</param>
/// <param name="Captures">Graphs recorded and instantiated.</param>
/// <param name="FailedCaptures">Recordings given up; the forward ran plainly.</param>
/// <param name="Replays">Graph launches.</param>
/// <param name="WarmUps">Launches before a capture, whose results are thrown away.</param>
/// <param name="GraphHits">A forward found its graph.</param>
/// <param name="GraphMisses">A forward had to record.</param>
/// <param name="GraphEvictions">Graphs released: least recently used, unproven, or no longer held by a mode.</param>
/// <param name="AllocatorCalls">Outputs that were allocated while an engine was being enqueued.</param>
/// <param name="MovedInputs">Inputs moved from another device under multi-device safe mode.</param>
/// <param name="Contexts">Execution contexts made.</param>
/// <param name="DeviceSwitches">Times a forward left one device context for another: that of its caller for its own, or its own for a
/// segment's.</param>
/// <param name="SetReuses">Forwards that got their outputs from a pre-allocated set made before.</param>
public readonly record struct InstanceCounts(
    long Forwards,
    long Captures,
    long FailedCaptures,
    long Replays,
    long WarmUps,
    long GraphHits,
    long GraphMisses,
    long GraphEvictions,
    long AllocatorCalls,
    long MovedInputs,
    long Contexts,
    long DeviceSwitches,
    long SetReuses
);

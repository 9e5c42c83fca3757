namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>A copy of a device's counters. Subtract two to see what happened between them.</summary>
internal readonly record struct EmulatedDeviceSnapshot
{
    /// <summary>Device contexts made (a primary context counts each time it becomes active).</summary>
    public long Contexts { get; init; }

    /// <summary>Times a thread turned from another device to this one.</summary>
    public long DeviceSwitches { get; init; }

    public long Streams { get; init; }

    public long Events { get; init; }

    public long EventRecords { get; init; }

    public long EventWaits { get; init; }

    public long Allocations { get; init; }

    public long Frees { get; init; }

    public long PinnedAllocations { get; init; }

    /// <summary>Copies done, those of replayed graphs included.</summary>
    public long CopiesToDevice { get; init; }

    public long CopiesToHost { get; init; }

    public long CopiesOnDevice { get; init; }

    public long PeerCopies { get; init; }

    public long Fills { get; init; }

    /// <summary>Kernels run by a launch of their own.</summary>
    public long Launches { get; init; }

    /// <summary>Kernels run as part of a replayed graph.</summary>
    public long ReplayedLaunches { get; init; }

    public long HostCalls { get; init; }

    /// <summary>Captures that ended with a graph.</summary>
    public long Captures { get; init; }

    public long FailedCaptures { get; init; }

    public long Instantiations { get; init; }

    /// <summary>Graph launches.</summary>
    public long Replays { get; init; }

    /// <summary>Injected faults that happened.</summary>
    public long Faults { get; init; }

    /// <summary>Device memory reserved now, memory kept by pools included.</summary>
    public long BytesInUse { get; init; }

    public long PeakBytesInUse { get; init; }

    public static EmulatedDeviceSnapshot operator -(EmulatedDeviceSnapshot later, EmulatedDeviceSnapshot earlier) =>
        new()
        {
            Contexts = later.Contexts - earlier.Contexts,
            DeviceSwitches = later.DeviceSwitches - earlier.DeviceSwitches,
            Streams = later.Streams - earlier.Streams,
            Events = later.Events - earlier.Events,
            EventRecords = later.EventRecords - earlier.EventRecords,
            EventWaits = later.EventWaits - earlier.EventWaits,
            Allocations = later.Allocations - earlier.Allocations,
            Frees = later.Frees - earlier.Frees,
            PinnedAllocations = later.PinnedAllocations - earlier.PinnedAllocations,
            CopiesToDevice = later.CopiesToDevice - earlier.CopiesToDevice,
            CopiesToHost = later.CopiesToHost - earlier.CopiesToHost,
            CopiesOnDevice = later.CopiesOnDevice - earlier.CopiesOnDevice,
            PeerCopies = later.PeerCopies - earlier.PeerCopies,
            Fills = later.Fills - earlier.Fills,
            Launches = later.Launches - earlier.Launches,
            ReplayedLaunches = later.ReplayedLaunches - earlier.ReplayedLaunches,
            HostCalls = later.HostCalls - earlier.HostCalls,
            Captures = later.Captures - earlier.Captures,
            FailedCaptures = later.FailedCaptures - earlier.FailedCaptures,
            Instantiations = later.Instantiations - earlier.Instantiations,
            Replays = later.Replays - earlier.Replays,
            Faults = later.Faults - earlier.Faults,
            BytesInUse = later.BytesInUse - earlier.BytesInUse,
            PeakBytesInUse = later.PeakBytesInUse,
        };
}

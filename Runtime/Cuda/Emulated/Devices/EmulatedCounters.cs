namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>What happened on one emulated device so far; acceptance tests read differences of these numbers.</summary>
/// <remarks><b>Thread</b> any: each number is exact, the set of them is not taken at one instant. <b>Blocks</b> never.</remarks>
internal sealed class EmulatedCounters
{
    public long Contexts;
    public long DeviceSwitches;
    public long Streams;
    public long Events;
    public long EventRecords;
    public long EventWaits;
    public long Allocations;
    public long Frees;
    public long PinnedAllocations;
    public long CopiesToDevice;
    public long CopiesToHost;
    public long CopiesOnDevice;
    public long PeerCopies;
    public long Fills;
    public long Launches;
    public long ReplayedLaunches;
    public long HostCalls;
    public long Captures;
    public long FailedCaptures;
    public long Instantiations;
    public long Replays;
    public long Faults;
    public long BytesInUse;
    public long PeakBytesInUse;

    /// <summary>Adds one to a counter, from any thread.</summary>
    public static void Count(ref long counter) => Interlocked.Increment(ref counter);

    /// <summary>Moves the bytes in use and their peak.</summary>
    public void Use(long bytes)
    {
        long now = Interlocked.Add(ref BytesInUse, bytes);
        long peak = Volatile.Read(ref PeakBytesInUse);
        while (now > peak)
        {
            long seen = Interlocked.CompareExchange(ref PeakBytesInUse, now, peak);
            if (seen == peak)
            {
                return;
            }

            peak = seen;
        }
    }

    public EmulatedDeviceSnapshot Snapshot() =>
        new()
        {
            Contexts = Contexts,
            DeviceSwitches = DeviceSwitches,
            Streams = Streams,
            Events = Events,
            EventRecords = EventRecords,
            EventWaits = EventWaits,
            Allocations = Allocations,
            Frees = Frees,
            PinnedAllocations = PinnedAllocations,
            CopiesToDevice = CopiesToDevice,
            CopiesToHost = CopiesToHost,
            CopiesOnDevice = CopiesOnDevice,
            PeerCopies = PeerCopies,
            Fills = Fills,
            Launches = Launches,
            ReplayedLaunches = ReplayedLaunches,
            HostCalls = HostCalls,
            Captures = Captures,
            FailedCaptures = FailedCaptures,
            Instantiations = Instantiations,
            Replays = Replays,
            Faults = Faults,
            BytesInUse = BytesInUse,
            PeakBytesInUse = PeakBytesInUse,
        };
}

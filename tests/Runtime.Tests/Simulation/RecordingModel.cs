using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The recordings of one lane as the rules want them: least recently used goes, two failures stay plain, what no success proved
/// goes with a failure.</summary>
internal sealed class RecordingModel(InstanceModel instance)
{
    /// <summary>The unit that is the whole module; segments are units by their index.</summary>
    public const int Whole = -1;

    private readonly List<Recording> _recordings = [];

    private sealed class Recording
    {
        public required int Unit { get; init; }

        public required string Key { get; init; }

        public bool IsCaptured { get; set; }

        public bool IsProven { get; set; }

        public int Failures { get; set; }

        public int WorkspaceBlocks { get; set; }
    }

    public int Captured => _recordings.Count(recording => recording.IsCaptured);

    public int WorkspaceBlocks => _recordings.Sum(recording => recording.IsCaptured ? recording.WorkspaceBlocks : 0);

    /// <summary>Some recording holds the lane's shared scratch memory.</summary>
    public bool ShareWorkspace =>
        instance.Applied.Workspace == WorkspaceStrategy.Static
        && Captured > 0
        && instance.Module.Segments.Any(segment => segment.WorkspaceBytes > 0);

    private int Capacity => Math.Max(16, 2 * instance.Module.Segments.Length);

    public void Prove() => _recordings.ForEach(recording => recording.IsProven = true);

    public void DropUnproven() => Drop(recording => recording is { IsCaptured: true, IsProven: false });

    public void Clear() => Drop(_ => true);

    public void Release(HeldModes held) => Drop(recording => recording.Unit == Whole ? !held.ModuleGraphs : !held.SegmentGraphs);

    public bool IsRecorded(int unit, PlanModel plan, string alias) =>
        _recordings.Exists(recording =>
            recording is { IsCaptured: true } && recording.Unit == unit && recording.Key == KeyOf(SegmentsOf(unit), plan, alias)
        );

    /// <summary>Runs a unit by its recording, which is made if need be; <see cref="Replay.Plain"/> when it cannot be.</summary>
    public Replay TryReplay(int unit, PlanModel plan, string alias)
    {
        int[] segments = SegmentsOf(unit);
        if (segments.Any(segment => instance.IsStreaming(segment) || instance.Module.Segments[segment].RequiresAllocator))
        {
            return Replay.Plain;
        }

        string key = KeyOf(segments, plan, alias);
        Recording? known = _recordings.Find(recording => recording.Unit == unit && recording.Key == key);
        if (known is not null)
        {
            _recordings.Remove(known);
            _recordings.Insert(0, known);
        }

        if (known is { IsCaptured: true })
        {
            instance.Counts.Hits++;
        }
        else if (known is { Failures: >= 2 })
        {
            return Replay.Plain;
        }
        else
        {
            instance.Counts.Misses++;
            Recording recording = known ?? new Recording { Unit = unit, Key = key };
            bool captured = TryRecord(recording, segments);
            if (known is null)
            {
                Keep(recording);
            }

            if (!captured)
            {
                return Replay.Plain;
            }
        }

        int device = instance.Home + (unit == Whole ? 0 : instance.Module.Segments[unit].Device);
        if (instance.Faults.Strikes(EmulatedFaultKind.RefusedLaunch, device))
        {
            return Replay.Refused;
        }

        instance.Counts.Replays++;
        return Replay.Done;
    }

    private int[] SegmentsOf(int unit) => unit == Whole ? [.. Enumerable.Range(0, instance.Module.Segments.Length)] : [unit];

    private static string KeyOf(int[] segments, PlanModel plan, string alias) =>
        $"{plan.Key} p{string.Join(',', segments.Select(segment => plan.Profiles[segment]))} {alias}";

    private bool TryRecord(Recording recording, int[] segments)
    {
        int warmUps = recording.Unit == Whole ? 3 : 1,
            origin = instance.Home + (recording.Unit == Whole ? 0 : instance.Module.Segments[recording.Unit].Device);
        instance.Counts.Contexts += segments.Length;
        for (int launch = 0; launch < (warmUps + 1) * segments.Length; launch++)
        {
            if (
                instance.Faults.Strikes(
                    EmulatedFaultKind.RefusedLaunch,
                    instance.Home + instance.Module.Segments[segments[launch % segments.Length]].Device
                )
            )
            {
                // What was captured so far is abandoned, which ends the capture too.
                _ = launch >= warmUps * segments.Length && instance.Faults.Strikes(EmulatedFaultKind.FailedCapture, origin);
                return Fail(recording);
            }
        }

        if (instance.Faults.Strikes(EmulatedFaultKind.FailedCapture, origin))
        {
            return Fail(recording);
        }

        instance.Counts.WarmUps += warmUps;
        instance.Counts.Captures++;
        (recording.IsCaptured, recording.IsProven) = (true, false);
        recording.WorkspaceBlocks =
            instance.Applied.Workspace == WorkspaceStrategy.Dynamic
                ? segments.Count(segment => instance.Module.Segments[segment].WorkspaceBytes > 0)
                : 0;
        return true;
    }

    private bool Fail(Recording recording)
    {
        recording.Failures++;
        instance.Counts.FailedCaptures++;
        return false;
    }

    private void Keep(Recording recording)
    {
        _recordings.Insert(0, recording);
        if (_recordings.Count > Capacity)
        {
            Recording oldest = _recordings[^1];
            Drop(other => ReferenceEquals(other, oldest));
        }
    }

    private void Drop(Predicate<Recording> chosen)
    {
        instance.Counts.Evictions += _recordings.Count(recording => recording.IsCaptured && chosen(recording));
        _recordings.RemoveAll(chosen);
    }
}

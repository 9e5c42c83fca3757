using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>One lane as it should be: its contexts, plans, active profiles, recordings and pre-allocated set; runs a forward in thought and
/// counts.</summary>
internal sealed class LaneModel(InstanceModel instance)
{
    private const int PlanCapacity = 32;

    private readonly RecordingModel _recordings = new(instance);
    private readonly bool[] _contexts = new bool[instance.Module.Segments.Length];
    private readonly int[] _active = new int[instance.Module.Segments.Length];
    private readonly List<PlanModel> _plans = [];
    private PlanModel? _set;
    private bool _dropsUnproven;
    private bool _sharesWorkspace;

    /// <summary>Graphs recorded and kept.</summary>
    public int Graphs => _recordings.Captured;

    /// <summary>Blocks in the pre-allocated set.</summary>
    public int KeptOutputs { get; private set; }

    /// <summary>The set served the last forward.</summary>
    public bool UsedSet { get; private set; }

    /// <summary>Scratch blocks: one for each recording that was given its own, one that everything else on the lane shares.</summary>
    public int WorkspaceBlocks => _recordings.WorkspaceBlocks + (_sharesWorkspace || _recordings.ShareWorkspace ? 1 : 0);

    /// <summary>The profile of each segment's last successful forward.</summary>
    public IReadOnlyList<int> ActiveProfiles => _active;

    /// <summary>What holds, where the lane has still to release the rest.</summary>
    public HeldModes? ToHold { get; set; }

    /// <summary>Inputs that the lane keeps a block of: they came from the host, and not straight to where a recording reads them.</summary>
    public HashSet<int> InputBlocks { get; } = [];

    /// <summary>A forward on this lane was refused for its inputs, behind the point where the lane takes note.</summary>
    public void Refuse()
    {
        Begin();
        _dropsUnproven = true;
    }

    /// <summary>One forward whose inputs fit. Returns why it fails at once, null when it is enqueued.</summary>
    /// <param name="alias">Identifies the memory that is written in place.</param>
    /// <param name="moved">Inputs that lie on another device and are moved.</param>
    /// <param name="fromHost">The inputs are in host memory.</param>
    public Failure? Forward(ModeSettings settings, string key, long[] firstShape, string alias, int moved, bool fromHost = false)
    {
        Begin();
        Failure? failure = Run(settings, key, firstShape, alias, moved, fromHost);
        _dropsUnproven = failure is not null;
        return failure;
    }

    /// <summary>A forward that is refused for where its inputs lie: its shapes are planned, nothing else happens.</summary>
    public Failure? Plans(ModeSettings settings, string key, long[] firstShape)
    {
        Begin();
        TryPlan(settings.Profile, key, firstShape, out _, out Failure? failure);
        _dropsUnproven = true;
        return failure;
    }

    /// <summary>How the last forward ended.</summary>
    public void Completed(bool succeeded)
    {
        if (succeeded)
        {
            _recordings.Prove();
        }
        else
        {
            _dropsUnproven = true;
        }
    }

    public void Release(HeldModes held)
    {
        _recordings.Release(held);
        if (!held.PreAllocatedOutputs)
        {
            (_set, KeptOutputs) = (null, 0);
        }
    }

    /// <summary>Somebody needed memory: what the idle lane keeps for speed alone is gone.</summary>
    public void GiveBackMemory(HeldModes? told)
    {
        if (told is { } held)
        {
            Release(held);
        }

        InputBlocks.Clear();
        _sharesWorkspace = false;
    }

    public void DropContexts()
    {
        _recordings.Clear();
        _plans.Clear();
        Array.Clear(_contexts);
        _sharesWorkspace = false;
    }

    private void Begin()
    {
        UsedSet = false;
        if (_dropsUnproven)
        {
            _dropsUnproven = false;
            _recordings.DropUnproven();
        }
    }

    private Failure? Run(ModeSettings settings, string key, long[] firstShape, string alias, int moved, bool fromHost)
    {
        if (!TryPlan(settings.Profile, key, firstShape, out PlanModel plan, out Failure? failure))
        {
            return failure;
        }

        instance.Counts.MovedInputs += moved;
        CudaGraphsMode graphs = ModuleRules.Graphs(settings, instance.Module);
        bool complete = plan.IsComplete;
        if (fromHost)
        {
            PlaceInputs(graphs, plan, alias);
        }

        UsedSet = Eligible(settings, complete) > 0 && ReferenceEquals(_set, plan);
        Replay replay =
            graphs == CudaGraphsMode.WholeModule && complete ? _recordings.TryReplay(RecordingModel.Whole, plan, alias) : Replay.Plain;
        if (replay == Replay.Refused)
        {
            return Failure.Refused;
        }

        for (int segment = 0; replay == Replay.Plain && segment < instance.Module.Segments.Length; segment++)
        {
            instance.Counts.DeviceSwitches += instance.Module.Segments[segment].Device == 0 ? 0 : 1;
            Replay alone = graphs == CudaGraphsMode.PerSegment && complete ? _recordings.TryReplay(segment, plan, alias) : Replay.Plain;
            if (alone == Replay.Refused || (alone == Replay.Plain && !Launch(segment, settings, plan)))
            {
                return Failure.Refused;
            }
        }

        plan.Profiles.CopyTo(_active, 0);
        instance.Counts.Forwards++;
        instance.Counts.SetReuses += UsedSet ? 1 : 0;
        int eligible = Eligible(settings, complete);
        if (eligible > 0)
        {
            (_set, KeptOutputs) = (plan, eligible);
        }

        return null;
    }

    /// <summary>In every module here the first segment reads all inputs, on the home device.</summary>
    private void PlaceInputs(CudaGraphsMode graphs, PlanModel plan, string alias)
    {
        bool areClaimed =
            graphs != CudaGraphsMode.Off
            && plan.IsComplete
            && _recordings.IsRecorded(graphs == CudaGraphsMode.WholeModule ? RecordingModel.Whole : 0, plan, alias);
        InputBlocks.UnionWith(
            Enumerable.Range(0, instance.Module.Inputs.Length).Where(input => !areClaimed || input == instance.Module.Cache)
        );
    }

    /// <summary>Outputs that may come from a pre-allocated set.</summary>
    private int Eligible(ModeSettings settings, bool complete) =>
        !settings.PreAllocatedOutputs || settings.OutputAllocator || !complete
            ? 0
            : instance
                .Module.Segments.Where(segment => segment is { IsLast: true, RequiresAllocator: false, WritesInPlace: false })
                .Sum(segment => segment.Outputs);

    private bool TryPlan(ProfileChoice choice, string key, long[] firstShape, out PlanModel plan, out Failure? failure)
    {
        string active = choice.IsAuto ? string.Join(',', _active) : "";
        plan = _plans.Find(known => known.Key == key && known.Choice == choice && known.Active == active)!;
        failure = null;
        if (plan is not null)
        {
            _plans.Remove(plan);
            _plans.Insert(0, plan);
            return true;
        }

        plan = new PlanModel(key, choice, active, new int[instance.Module.Segments.Length]);
        bool known = true;
        for (int segment = 0; segment < plan.Profiles.Length && known; segment++)
        {
            SegmentCase specification = instance.Module.Segments[segment];
            failure = Choose(specification, choice, _active[segment], firstShape, out int profile);
            if (failure == Failure.NoProfile)
            {
                return false;
            }

            plan.Profiles[segment] = profile;
            Materialize(segment);
            if (failure is not null)
            {
                return false;
            }

            known = IsKnown(specification, key);
        }

        plan.IsComplete = known;
        if (plan.IsComplete)
        {
            _plans.Insert(0, plan);
            if (_plans.Count > PlanCapacity)
            {
                _plans.RemoveAt(PlanCapacity);
            }
        }

        return true;
    }

    private bool IsKnown(SegmentCase segment, string key) => !segment.IsMeasured && (!segment.IsLearned || instance.Learned.Contains(key));

    private static Failure? Choose(SegmentCase segment, ProfileChoice choice, int active, long[] shape, out int profile)
    {
        profile = 0;
        if (segment.Profiles.Length <= 1)
        {
            return null;
        }

        bool Fits(int index) =>
            shape.Zip(segment.Profiles[index].Min).All(pair => pair.First >= pair.Second)
            && shape.Zip(segment.Profiles[index].Max).All(pair => pair.First <= pair.Second);
        if (choice.Index is { } pinned)
        {
            profile = pinned;
            return Fits(pinned) ? null : Failure.OutsideProfile;
        }

        profile = Fits(active) ? active : Enumerable.Range(0, segment.Profiles.Length).Append(-1).First(index => index < 0 || Fits(index));
        return profile < 0 ? Failure.NoProfile : null;
    }

    private void Materialize(int segment)
    {
        instance.Counts.Contexts += _contexts[segment] ? 0 : 1;
        _contexts[segment] = true;
    }

    /// <summary>A plain launch; false when it is refused.</summary>
    private bool Launch(int segment, ModeSettings settings, PlanModel plan)
    {
        SegmentCase specification = instance.Module.Segments[segment];
        Materialize(segment);
        _sharesWorkspace |= specification.WorkspaceBytes > 0 && instance.Applied.Workspace == WorkspaceStrategy.Static;
        bool isAsked = settings.OutputAllocator || specification.RequiresAllocator || !IsKnown(specification, plan.Key);
        if (IsKnown(specification, plan.Key))
        {
            instance.Counts.AllocatorCalls += isAsked ? specification.Outputs : 0;
            return !Strikes(segment);
        }

        // Runs to measure, takes memory of that size, then delivers.
        if (Strikes(segment))
        {
            return false;
        }

        instance.Counts.AllocatorCalls += specification.Outputs;
        instance.Learned.Add(plan.Key);
        return !Strikes(segment);
    }

    private bool Strikes(int segment) =>
        instance.Faults.Strikes(EmulatedFaultKind.RefusedLaunch, instance.Home + instance.Module.Segments[segment].Device);
}

/// <summary>Why a forward is refused at once.</summary>
internal enum Failure
{
    NoProfile,
    OutsideProfile,
    Refused,
}

/// <summary>How a unit ran.</summary>
internal enum Replay
{
    Plain,
    Done,
    Refused,
}

/// <summary>What shapes, values and profiles mean for a lane.</summary>
internal sealed record PlanModel(string Key, ProfileChoice Choice, string Active, int[] Profiles)
{
    public bool IsComplete { get; set; }
}

using Troupe.Messages.Modes;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Platforms;

/// <summary>An instance on a fake device: counts its lanes and notes what was applied and released.</summary>
internal sealed class FakeInstance(FakePlatform platform, ModuleSpec module, int ordinal, int lanes) : IModuleInstance
{
    private readonly List<FakeLane> _lanes = [];
    private int _leased;
    private int _disposed;

    public FakePlatform Platform => platform;

    public ModuleSpec Module => module;

    public int HomeOrdinal => ordinal;

    public IReadOnlyList<int> Ordinals => [ordinal];

    public ModuleTraits Traits => platform.Traits;

    public bool Disposed => Volatile.Read(ref _disposed) != 0;

    public int Leased => Volatile.Read(ref _leased);

    /// <summary>Lanes at work, oldest first.</summary>
    public IReadOnlyList<FakeLane> Busy
    {
        get
        {
            lock (_lanes)
            {
                return [.. _lanes.Where(lane => lane.IsPending)];
            }
        }
    }

    /// <summary>What <see cref="Apply"/> refuses, and why.</summary>
    public Func<ModeSettings, ForwardException?> Refuses { get; set; } = _ => null;

    /// <summary>What <see cref="TryLease"/> throws; null: nothing.</summary>
    public ForwardException? RefusesLease { get; set; }

    public InstanceCounts Counts { get; set; }

    public List<ModeSettings> Applied { get; } = [];

    public List<HeldModes> Released { get; } = [];

    public bool TryLease(out ILane lane)
    {
        ObjectDisposedException.ThrowIf(Disposed, this);
        if (RefusesLease is { } refusal)
        {
            throw refusal;
        }

        if (Leased == lanes)
        {
            lane = null!;
            return false;
        }

        Interlocked.Increment(ref _leased);
        var leased = new FakeLane(this);
        lock (_lanes)
        {
            _lanes.Add(leased);
        }

        lane = leased;
        return true;
    }

    public void Apply(ModeSettings settings)
    {
        if (Leased != 0)
        {
            throw new InvalidOperationException("Apply while a lane is leased.");
        }

        if (Refuses(settings) is { } refusal)
        {
            throw refusal;
        }

        Applied.Add(settings);
    }

    public InstanceSnapshot Snapshot() => new(module.Model, ordinal, Counts, 0, 0);

    public void FreeAllBut(HeldModes held) => Released.Add(held);

    /// <summary>As with real lanes: one at work keeps what it has until it is back.</summary>
    public bool IsFreed => Leased == 0;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            throw new InvalidOperationException("An instance was disposed of twice.");
        }
    }

    internal void GiveBack(FakeLane lane)
    {
        Interlocked.Decrement(ref _leased);
        lock (_lanes)
        {
            _lanes.Remove(lane);
        }
    }
}

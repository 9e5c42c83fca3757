using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Platforms;

/// <summary>A platform as it is, but for a count of the lanes that are leased: after all work it is zero, or somebody has kept
/// one.</summary>
/// <remarks>The platform inside belongs to the test. <b>Thread</b> any.</remarks>
internal sealed class LeaseCountingPlatform(IPlatform platform) : IPlatform
{
    private int _leased;

    public int Leased => Volatile.Read(ref _leased);

    public IReadOnlyList<DeviceDescription> Devices => platform.Devices;

    public IDeviceGroup OpenGroup(params IReadOnlyList<int> ordinals) => platform.OpenGroup(ordinals);

    public IModuleInstance Load(ModuleSource source, int homeOrdinal, InstanceOptions options, CancellationToken cancellation) =>
        new CountingInstance(this, platform.Load(source, homeOrdinal, options, cancellation));

    public void Dispose() { }

    private sealed class CountingInstance(LeaseCountingPlatform owner, IModuleInstance instance) : IModuleInstance
    {
        public ModuleSpec Module => instance.Module;

        public int HomeOrdinal => instance.HomeOrdinal;

        public IReadOnlyList<int> Ordinals => instance.Ordinals;

        public ModuleTraits Traits => instance.Traits;

        public string? Conflict(ModeSettings settings) => instance.Conflict(settings);

        public bool TryLease(out ILane lane)
        {
            if (!instance.TryLease(out lane))
            {
                return false;
            }

            lane = new CountingLane(owner, lane);
            return true;
        }

        public void Apply(ModeSettings settings) => instance.Apply(settings);

        public InstanceSnapshot Snapshot() => instance.Snapshot();

        public void FreeAllBut(HeldModes held) => instance.FreeAllBut(held);

        public void Dispose() => instance.Dispose();
    }

    /// <summary>What is detached counts on by itself, so that it must be given back too.</summary>
    private sealed class CountingLane(LeaseCountingPlatform owner, ILane lane) : CountingSubmission(owner, lane), ILane
    {
        public int MaxForwards => lane.MaxForwards;

        public void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake) => lane.Submit(forwards, settings, wake);

        public ISubmission? Detach() => lane.Detach() is { } detached ? new CountingSubmission(Owner, detached) : null;
    }

    private class CountingSubmission : ISubmission
    {
        private readonly ISubmission _submission;

        public CountingSubmission(LeaseCountingPlatform owner, ISubmission submission)
        {
            (Owner, _submission) = (owner, submission);
            Interlocked.Increment(ref owner._leased);
        }

        protected LeaseCountingPlatform Owner { get; }

        public LaneStatus Poll(int forward) => _submission.Poll(forward);

        public Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom) => _submission.TakeOutputs(forward, leasesFrom);

        public ForwardException FailureOf(int forward) => _submission.FailureOf(forward);

        public (long Input, long Infer, long Output) TimesOf(int forward) => _submission.TimesOf(forward);

        public void Dispose()
        {
            Interlocked.Decrement(ref Owner._leased);
            _submission.Dispose();
        }
    }
}

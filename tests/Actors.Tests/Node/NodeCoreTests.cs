using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Actors.Routing;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Which executors follow those that end, by tables.</summary>
public sealed class NodeCoreTests : INodeShell
{
    private static readonly NodeId Self = new("a:1");

    private readonly DecisionQueue<NodeDecision, INodeShell> _decisions = new();
    private readonly NodeCore _core;
    private readonly List<int> _started = [];
    private readonly List<TimeSpan> _pauses = [];
    private readonly List<ExecutorLost> _losses = [];
    private ExecutorGroup _group = null!;
    private TimeSpan _now = TimeSpan.FromSeconds(1);
    private bool _timersFail;
    private int _stopped;

    public NodeCoreTests()
    {
        var spec = new TroupeNodeSpec
        {
            Platform = new FakePlatform(1),
            Repository = new NoModels(),
            ExecutorFailureLimit = 2,
        };
        _core = new NodeCore(spec, Self, new NodeIncarnation(1), _decisions);
        Do(_core.Start);
    }

    [Fact]
    public void Crashes_are_limited_and_each_waits_longer()
    {
        Crash(default);
        Crash(default);
        Assert.Equal([1, 2, 3], _started);
        Assert.Equal([TimeSpan.FromMilliseconds(100)], _pauses);
        Crash(default);
        Assert.True(_losses[^1].DeviceGone);
        Assert.Equal([1, 2, 3], _started);
    }

    [Fact]
    public void A_crash_whose_guilty_forward_is_known_counts_against_no_limit_and_waits_the_least_step()
    {
        for (int i = 0; i < 50; i++)
        {
            Crash(new CrashEvidence(OneLaunched: true, ClearsDevice: true));
        }

        Assert.Equal(51, _started.Count);
        Assert.All(_losses, lost => Assert.False(lost.DeviceGone));
        Assert.All(_pauses, pause => Assert.Equal(TimeSpan.FromMilliseconds(50), pause));
    }

    [Fact]
    public void A_pause_whose_timer_could_not_be_set_is_kept_all_the_same()
    {
        Crash(default);
        _timersFail = true;
        End(default);
        Assert.Equal([1, 2], _started);
        Do(() => _core.Tick(_now += TimeSpan.FromMilliseconds(99)));
        Assert.Equal([1, 2], _started);
        Do(() => _core.Tick(_now += TimeSpan.FromMilliseconds(1)));
        Assert.Equal([1, 2, 3], _started);
        Do(() => _core.Tick(_now += TimeSpan.FromSeconds(1)));
        Assert.Equal([1, 2, 3], _started);
    }

    [Fact]
    public void An_executor_that_hangs_is_stopped_and_followed_when_it_has_ended()
    {
        for (int i = 1; i <= 4; i++)
        {
            var hangs = new ExecutorHangs(new GpuId(Self, 0), i, "it hangs");
            Do(() => _core.EndHanging(hangs, _now));
            Do(() => _core.EndHanging(hangs, _now));
            Assert.Equal((i, i), (_stopped, _started.Count));
            Do(() => _core.Replace(_group, _now));
            Do(() => _core.EndPause(_group));
        }

        Assert.Equal(4, _losses.Count);
        Assert.All(_losses, lost => Assert.Equal((false, true), (lost.DeviceGone, lost.Hangs)));
    }

    private void Crash(CrashEvidence evidence)
    {
        End(evidence);
        Do(() => _core.EndPause(_group));
    }

    private void End(CrashEvidence evidence)
    {
        Do(() => _core.EndExecutor(_group, new ExecutorLost(_group.Incarnation, "a defect", false, evidence), _now));
        Do(() => _core.Replace(_group, _now));
    }

    private void Do(Action step)
    {
        step();
        _decisions.ApplyTo(this);
    }

    void INodeShell.StartExecutor(ExecutorGroup group)
    {
        _group = group;
        _started.Add(group.Incarnation);
    }

    void INodeShell.StartExecutorLater(ExecutorGroup group, TimeSpan pause)
    {
        if (_timersFail)
        {
            throw new InvalidOperationException("no timer");
        }

        _pauses.Add(pause);
    }

    void INodeShell.StopExecutor(ExecutorGroup group) => _stopped++;

    void INodeShell.ReportLoss(ExecutorGroup group, ExecutorLost lost) => _losses.Add(lost);

    void INodeShell.TellGpu(int ordinal, INodeToGpu message) { }

    void INodeShell.TellModels(DeviceGone gone) { }

    void INodeShell.TellRouter(OwnSnapshot own) { }

    void IShell<NodeDecision>.Failed(in NodeDecision decision, Exception cause) => _core.Failed(decision, cause, _now);

    private sealed class NoModels : IModelRepository
    {
        public ModuleSource Resolve(LoadModel load) => throw new NotSupportedException();

        public IReadOnlyList<ModelReference> List() => [];
    }
}

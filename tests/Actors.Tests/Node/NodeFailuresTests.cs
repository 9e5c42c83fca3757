using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Actors.Routing;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>A throw at each decision of a node in turn: every GPU has an executor or knows that it has none, every load is answered, and
/// the routers hear of the end.</summary>
public sealed class NodeFailuresTests
{
    private const int Limit = 200;

    [Fact]
    public void Whichever_decision_throws_every_device_goes_on_and_every_load_is_answered()
    {
        for (int at = 0; at < Limit; at++)
        {
            var scenario = new Scenario(at);
            scenario.Run();
            scenario.Check();
            if (scenario.Count <= at)
            {
                Assert.True(at >= 20, $"Only {at} decisions were taken.");
                return;
            }
        }

        Assert.Fail("The scenario does not end.");
    }

    /// <summary>Two devices: the executor of the first ends twice, the second is lost for good; models change, and the node
    /// drains.</summary>
    private sealed class Scenario : INodeShell
    {
        private static readonly NodeId Self = new("a:1");

        private readonly Plant _plant = new();
        private readonly DecisionQueue<NodeDecision, INodeShell> _decisions = new();
        private readonly NodeCore _core;
        private readonly List<(int Ordinal, int Incarnation)> _started = [];
        private readonly List<(int Ordinal, INodeToGpu Message)> _told = [];
        private readonly List<DeviceGone> _gone = [];
        private readonly List<OwnSnapshot> _published = [];
        private readonly List<ExecutorGroup> _waiting = [];
        private readonly List<ExecutorGroup> _groups = [];
        private readonly Loader _loader = new();
        private TimeSpan _now = TimeSpan.FromSeconds(1);
        private int _stopped;

        public Scenario(int at)
        {
            _plant.At = at;
            var spec = new TroupeNodeSpec { Platform = new FakePlatform(2), Repository = new NoModels() };
            _core = new NodeCore(spec, Self, new NodeIncarnation(1), _decisions);
        }

        public int Count => _plant.Count;

        public void Run()
        {
            Do(_core.Start);
            for (int i = 0; i < 2; i++)
            {
                ExecutorGroup first = _groups[0];
                Do(() => _core.EndExecutor(first, new ExecutorLost(first.Incarnation, "a defect", false), _now));
                Do(() => _core.Replace(first, _now));
                EndPauses();
            }

            Do(() => _core.Update(new ModelsChanged([], _loader, new ModelReply.Unloaded("m", [1]))));
            Do(() => _core.Quarantine(new GpuQuarantined(new GpuId(Self, 1), 1, "lost"), _now));
            Do(() => _core.Tick(_now));
            Do(_core.Drain);
            EndPauses();
        }

        public void Check()
        {
            // The newest executor of the first device runs; that of the second was stopped, and both know what they lost.
            int newest = _groups[0].Incarnation;
            Assert.Contains((0, newest), _started);
            Assert.All(_groups, group => Assert.Null(group.StartsAt));
            Assert.Equal(1, _stopped);
            for (int incarnation = 1; incarnation < newest; incarnation++)
            {
                Assert.Single(_told, told => told is (0, ExecutorLost { DeviceGone: false } lost) && lost.Incarnation == incarnation);
            }

            Assert.Single(_told, told => told is (1, ExecutorLost { DeviceGone: true }));
            Assert.Equal(newest - 1, _gone.Count(gone => gone is { Ordinal: 0, ForGood: false }));
            Assert.Single(_gone, gone => gone is { Ordinal: 1, ForGood: true });
            Assert.Equal(2, _told.Count(told => told.Message is GpuTick));
            Assert.Equal(2, _told.Count(told => told.Message is DrainGpu));
            Assert.Single(_published, own => own.Asker == _loader);
            Assert.True(_published[^1].Snapshot.Draining);
            Assert.True(
                _published.Select(own => own.Snapshot.Sequence).SequenceEqual(_published.Select(own => own.Snapshot.Sequence).Order())
            );
        }

        public void StartExecutor(ExecutorGroup group)
        {
            if (!_groups.Contains(group))
            {
                _groups.Add(group);
                _groups.Sort((left, right) => left.Ordinals[0] - right.Ordinals[0]);
            }

            _plant.Pass();
            _started.Add((group.Ordinals[0], group.Incarnation));
        }

        public void StartExecutorLater(ExecutorGroup group, TimeSpan pause)
        {
            _plant.Pass();
            _waiting.Add(group);
        }

        public void StopExecutor(ExecutorGroup group)
        {
            _plant.Pass();
            _stopped++;
        }

        public void ReportLoss(ExecutorGroup group, ExecutorLost lost) => _plant.Pass();

        public void TellGpu(int ordinal, INodeToGpu message)
        {
            _plant.Pass();
            _told.Add((ordinal, message));
        }

        public void TellModels(DeviceGone gone)
        {
            _plant.Pass();
            _gone.Add(gone);
        }

        public void TellRouter(OwnSnapshot own)
        {
            _plant.Pass();
            _published.Add(own);
        }

        public void Failed(in NodeDecision decision, Exception cause)
        {
            Assert.Equal(Plant.Reason, cause.Message);
            _core.Failed(decision, cause, _now);
        }

        private void Do(Action step)
        {
            step();
            _decisions.ApplyTo(this);
        }

        private void EndPauses()
        {
            while (_waiting.Count > 0)
            {
                ExecutorGroup group = _waiting[0];
                _waiting.RemoveAt(0);
                Do(() => _core.EndPause(group));
            }

            _now += TimeSpan.FromSeconds(1);
        }
    }

    private sealed class Loader : IReplyTo<ModelReply>
    {
        public void Answer(ModelReply reply) => throw new InvalidOperationException("The router's to give.");
    }

    private sealed class NoModels : IModelRepository
    {
        public ModuleSource Resolve(LoadModel load) => throw new NotSupportedException();

        public IReadOnlyList<ModelReference> List() => [];
    }
}

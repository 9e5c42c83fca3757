using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Models;

/// <summary>A throw at each decision of a model directory in turn: every load and unload has its one answer, the directory goes on, and no
/// instance is left over.</summary>
public sealed class ModelDirectoryFailuresTests
{
    private const int Limit = 200;

    [Fact]
    public void Whichever_decision_throws_every_request_is_answered_once()
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

    private sealed class Scenario
    {
        private static readonly NodeId Self = new("a:1");

        private readonly FakePlatform _platform = new(2);
        private readonly ModelRecorder _recorder = new();
        private readonly ModelDirectoryCore _core;
        private readonly List<Asker> _askers = [];
        private int _seen;

        public Scenario(int at)
        {
            _core = new ModelDirectoryCore(Self, _ => [], _recorder.Queue);
            _recorder.Plant.At = at;
            _recorder.OnFailed = (decision, cause) => _core.Failed(decision, cause);
        }

        public int Count => _recorder.Plant.Count;

        public void Run()
        {
            _core.Ready([0]);
            _core.Ready([1]);
            _core.Load(new LoadModel("m"), Ask());
            _core.Load(new LoadModel("n", Gpus: [1]), Ask());
            Work();
            _core.Load(new LoadModel("m", Gpus: [7]), Ask());
            _core.Unload(new UnloadModel("x"), Ask());
            Work();
            _core.Gone(new DeviceGone(1, "lost", ForGood: false));
            Work();
            _core.Ready([1]);
            Work();
            _core.Unload(new UnloadModel("m"), Ask());
            _core.Unload(new UnloadModel("n"), Ask());
            Work();
        }

        public void Check()
        {
            foreach (Asker asker in _askers)
            {
                Assert.Single(_recorder.Applied, decision => decision.Asker == asker && decision.Reply is not null);
            }

            Assert.True(_core.IsIdle);
            Assert.All(_core.Snapshot(), model => Assert.Equal(ModelState.Unavailable, model.State));
        }

        private Asker Ask()
        {
            var asker = new Asker();
            _askers.Add(asker);
            return asker;
        }

        /// <summary>Builder, executors and GPUs do what they are told, until nothing is left.</summary>
        private void Work()
        {
            for (; _seen < _recorder.Applied.Count; _seen++)
            {
                ModelDecision decision = _recorder.Applied[_seen];
                switch (decision.Message)
                {
                    case ResolveModel resolve:
                        var source = new ModuleSource(new ModelReference(resolve.Load.Name, 1), resolve.Load.Name);
                        _core.Resolved(new ModelResolved(resolve.Ticket, source));
                        break;
                    case BuildInstance build:
                        IModuleInstance built = _platform.Load(build.Source, build.Ordinal, new InstanceOptions(), default);
                        _core.Built(
                            new InstanceBuilt(build.Ticket, build.Ordinal, built.Module, built.Ordinals, new InstanceHandOver(built))
                        );
                        break;
                    case AdoptInstance adopt:
                        IModuleInstance adopted = adopt.HandOver.Claim()!;
                        _core.Ready(new InstanceReady(new GpuId(Self, adopted.HomeOrdinal), adopt.Ticket, adopted.Module));
                        break;
                    case DiscardInstance discard:
                        discard.HandOver.Claim()?.Dispose();
                        break;
                    case UnloadInstance unload:
                        _core.Gone(new InstanceGone(new GpuId(Self, decision.Ordinal), unload.Model));
                        break;
                    default:
                        break;
                }
            }
        }

        private sealed class Asker : IReplyTo<ModelReply>
        {
            public void Answer(ModelReply reply) => throw new InvalidOperationException("The recorder writes it down.");
        }
    }
}

using System.Collections.Immutable;
using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>A throw at each decision of a GPU in turn: every forward is released once with one outcome, every change of modes is
/// acknowledged, and every load and unload is answered.</summary>
public sealed class GpuFailuresTests
{
    private const int Limit = 200;

    [Fact]
    public void Whichever_decision_throws_all_who_wait_are_answered_once()
    {
        for (int at = 0; at < Limit; at++)
        {
            var scenario = new Scenario(at);
            scenario.Run();
            scenario.Check(at);
            if (scenario.Count <= at)
            {
                Assert.True(at >= 30, $"Only {at} decisions were taken.");
                return;
            }
        }

        Assert.Fail("The scenario does not end.");
    }

    /// <summary>An executor comes, an instance, forwards of here and of elsewhere, a change of modes with a barrier, an unload, and the
    /// loss of the device.</summary>
    private sealed class Scenario
    {
        private static readonly GpuId Id = new(new NodeId("a:1"), 0);
        private static readonly ModelVersion Model = new("m", 1, default);
        private static readonly ModelVersion Second = new("n", 1, default);

        private readonly GpuRecorder _recorder = new();
        private readonly GpuCore _core;
        private readonly Nobody _nobody = new();
        private readonly List<RequestId> _sent = [];
        private readonly TimeSpan _now = TimeSpan.FromSeconds(1);
        private int _seen;

        public Scenario(int at)
        {
            _core = new GpuCore(
                new GpuSpec(Id, "fake", 100, QueueLimit: 3, LaunchLimit: 1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
                _recorder.Queue
            );
            _recorder.Plant.At = at;
            _recorder.OnFailed = (decision, cause) => _core.Failed(decision, cause, _now);
        }

        public int Count => _recorder.Plant.Count;

        public void Run()
        {
            _core.Report();
            _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
            _core.Adopt(new InstanceAdopted(1, 1, 0, Spec(Model), ModuleTraits.Plain), _now);
            _core.Adopt(new InstanceAdopted(2, 1, 0, Spec(Second), ModuleTraits.Plain), _now);
            Work();
            _core.Tick(_now);
            for (int i = 0; i < 5; i++)
            {
                Dispatch(Model, remote: i % 2 == 1);
            }

            _core.Modes.Check(new CheckGpuModes(1, new Budget()), _nobody);
            _core.Modes.Apply(new ApplyGpuModes(2, new Budget()), _nobody);
            Dispatch(Second, remote: true);
            _core.Drop(new DropForward(_sent[2], 1), _now);
            Work();
            _core.Unload(new UnloadInstance(Second));
            Work();
            Dispatch(Model, remote: false);
            Dispatch(Model, remote: true);
            _core.Fault(new DeviceFaulted(1, "lost"));
            Work();
        }

        public void Check(int at)
        {
            List<GpuDecision> applied = _recorder.Applied;
            foreach (RequestId id in _sent)
            {
                Assert.True(1 == applied.Count(decision => decision.Message is GpuRelease release && release.Id == id), $"{at}: {id}");
                int outcomes = applied.Count(decision => OutcomeOf(decision)?.Reply.Id == id);
                Assert.True(outcomes == (id == _sent[2] ? 0 : 1), $"{at}: {id} has {outcomes} outcomes");
            }

            Assert.Single(applied, decision => decision.Message is GpuModesChecked { Change: 1 });
            Assert.Single(applied, decision => decision.Message is GpuModesApplied { Change: 2 });
            Assert.Single(applied, decision => decision.Message is InstanceReady { Ticket: 1 });
            Assert.Single(applied, decision => decision.Message is InstanceReady { Ticket: 2 });
            Assert.Single(applied, decision => decision.Message is InstanceGone gone && gone.Model == Second);
            Assert.Single(applied, decision => decision.Message is GpuQuarantined);
            Assert.Equal(GpuHealth.Quarantined, applied.Select(decision => decision.Message).OfType<GpuReport>().Last().Health);
            Assert.Equal((0, 0), (_core.Queued, _core.Launched));
        }

        private static ForwardOutcome? OutcomeOf(GpuDecision decision) =>
            decision.Message as ForwardOutcome ?? (decision.Message as GpuRelease)?.Outcome;

        private static ModuleSpec Spec(ModelVersion model) => new(model, "fake", [], [], [], true);

        private void Dispatch(ModelVersion model, bool remote)
        {
            var forward = new Forward
            {
                Id = new RequestId(default, (ulong)_sent.Count),
                Model = new ModelReference(model.Name),
                Inputs = [],
            };
            _sent.Add(forward.Id);
            _core.Admit(new DispatchForward(forward, model, 1, TimeSpan.FromSeconds(30), remote ? _nobody : null), _now);
        }

        /// <summary>The executor does what it has been told, until nothing is left.</summary>
        private void Work()
        {
            for (; _seen < _recorder.Applied.Count; _seen++)
            {
                switch (_recorder.Applied[_seen].Message)
                {
                    case Launch launch:
                        ImmutableArray<ForwardResult> results = [.. launch.Forwards.Select(_ => ForwardResult.Succeeded([], default))];
                        _core.Complete(new LaunchEnded(launch, results), _now);
                        break;
                    case ApplySettings apply:
                        _core.Applied(new SettingsApplied(1, apply.Model, apply.Settings, null), _now);
                        break;
                    case ReleaseResources release:
                        _core.Released(new ResourcesReleased(1, release.Model, release.Held), _now);
                        break;
                    case RetireInstance retire:
                        _core.Retired(new InstanceRetired(1, retire.Model));
                        break;
                    default:
                        break;
                }
            }
        }
    }

    /// <summary>A budget and held graphs for everything.</summary>
    private sealed class Budget : IEffectiveModes
    {
        private readonly ModeSettings _settings = new() { WeightBudget = WeightBudget.OfBytes(10) };

        public CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call) =>
            new(_settings, 1);

        public ModeSettings Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) => _settings;

        public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => new(true, false, false, false);

        public IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session) => [];
    }

    private sealed class Nobody : IForwardOrigin, IReplyTo<IGpuModesAnswer>
    {
        public void Answer(ForwardOutcome outcome) => throw new InvalidOperationException("The recorder writes it down.");

        public void Answer(IGpuModesAnswer reply) => throw new InvalidOperationException("The recorder writes it down.");
    }
}

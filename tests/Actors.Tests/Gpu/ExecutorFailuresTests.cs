using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>A throw at each decision of an executor in turn: it ends, what it could not tell is answered by its end, once, and everything
/// it had is given back.
/// The shell is <see cref="ExecutorActor"/>.</summary>
public sealed class ExecutorFailuresTests
{
    private const int Limit = 200;

    [Fact]
    public void Whichever_decision_throws_every_forward_leaves_once_and_everything_is_given_back()
    {
        for (int at = 0; at < Limit; at++)
        {
            var scenario = new Scenario(at);
            scenario.Run();
            scenario.Check(at);
            if (scenario.Count <= at)
            {
                Assert.True(at >= 8, $"Only {at} decisions were taken.");
                return;
            }
        }

        Assert.Fail("The scenario does not end.");
    }

    /// <summary>Two instances come, forwards run side by side and wait, a sign of life is asked for, one instance goes, and the device is
    /// lost.</summary>
    private sealed class Scenario : IExecutorShell
    {
        private static readonly GpuId Id = new(new NodeId("a:1"), 0);

        private readonly FakePlatform _platform = new(1) { CompleteAtOnce = false };
        private readonly Plant _plant = new();
        private readonly DecisionQueue<ExecutorDecision, IExecutorShell> _decisions = new();
        private readonly GpuRecorder _recorder = new();
        private readonly GpuCore _gpu;
        private readonly ExecutorCore _executor;
        private readonly TimeSpan _now = TimeSpan.FromSeconds(1);
        private readonly List<RequestId> _sent = [];
        private readonly List<ModelVersion> _models = [];
        private int _seen;
        private bool _hasFailed;

        public Scenario(int at)
        {
            _plant.At = at;
            _gpu = new GpuCore(
                new GpuSpec(Id, "fake", 100, QueueLimit: 8, LaunchLimit: 3, TimeSpan.FromSeconds(9), TimeSpan.FromSeconds(1)),
                _recorder.Queue
            );
            var pulse = new ExecutorPulse(new NodeClock(TimeProvider.System), runsOnHost: false);
            _executor = new ExecutorCore(1, _platform.OpenGroup(0), pulse, () => { }, _decisions);
        }

        public int Count => _plant.Count;

        public void Run()
        {
            _gpu.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
            foreach (string name in (string[])["m", "n"])
            {
                var instance = (FakeInstance)
                    _platform.Load(new ModuleSource(new ModelReference(name), name), 0, new InstanceOptions(2), default);
                _models.Add(instance.Module.Model);
                Do(executor => executor.Adopt(new AdoptInstance(1, new InstanceHandOver(instance))));
            }

            for (int i = 0; i < 5; i++)
            {
                Dispatch();
            }

            Complete();
            Dispatch();
            _gpu.Tick(_now);
            Work();
            Complete();
            _gpu.Unload(new UnloadInstance(_models[1]));
            Work();
            Dispatch();
            _platform.Faults[0].Fault = "lost";
            Do(executor => executor.Poll());
            Complete();
            End("it is over");
        }

        public void Check(int at)
        {
            foreach (RequestId id in _sent)
            {
                int released = _recorder.Applied.Count(decision => decision.Message is GpuRelease release && release.Id == id);
                Assert.True(released == 1, $"{at}: {id} left {released} times");
            }

            Assert.Equal((0, 0), (_gpu.Queued, _gpu.Launched));
            Assert.Equal((0, 0), (_platform.Live, _platform.Leased));
        }

        public void TellGpu(int ordinal, IExecutorNews news)
        {
            _plant.Pass();
            switch (news)
            {
                case LaunchEnded ended:
                    _gpu.Complete(ended, _now);
                    break;
                case InstanceAdopted adopted:
                    _gpu.Adopt(adopted, _now);
                    break;
                case ResourcesReleased released:
                    _gpu.Released(released, _now);
                    break;
                case InstanceRetired retired:
                    _gpu.Retired(retired);
                    break;
                case HeartbeatAnswer answer:
                    _gpu.Beat(answer);
                    break;
                case DeviceFaulted faulted:
                    _gpu.Fault(faulted);
                    break;
                default:
                    throw new InvalidOperationException(news.ToString());
            }
        }

        public void Failed(in ExecutorDecision decision, Exception cause)
        {
            Assert.Equal(Plant.Reason, cause.Message);
            _hasFailed = true;
        }

        private void Dispatch()
        {
            var forward = new Forward
            {
                Id = new RequestId(default, (ulong)_sent.Count),
                Model = new ModelReference(_models[0].Name),
                Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[1])],
            };
            _sent.Add(forward.Id);
            _gpu.Admit(new DispatchForward(forward, _models[0], 1, TimeSpan.FromSeconds(30), null), _now);
            Work();
        }

        private void Complete()
        {
            foreach (FakeLane lane in _platform.Instances.Where(instance => !instance.Disposed).SelectMany(instance => instance.Busy))
            {
                lane.Complete();
            }

            Do(executor => executor.Poll());
        }

        private void Do(Action<ExecutorCore> step)
        {
            if (!_hasFailed)
            {
                step(_executor);
                _decisions.ApplyTo(this);
                if (_hasFailed)
                {
                    End("a defect");
                }
            }

            Work();
        }

        /// <summary>The executor is told what its GPU wants of it.</summary>
        private void Work()
        {
            for (; _seen < _recorder.Applied.Count; _seen++)
            {
                object message = _recorder.Applied[_seen].Message;
                switch (message)
                {
                    case Launch launch when !_hasFailed:
                        _seen++;
                        Do(executor => executor.Run(launch));
                        _seen--;
                        break;
                    case ReleaseResources release when !_hasFailed:
                        _seen++;
                        Do(executor => executor.ReleaseHeld(release));
                        _seen--;
                        break;
                    case RetireInstance retire when !_hasFailed:
                        _seen++;
                        Do(executor => executor.Retire(retire));
                        _seen--;
                        break;
                    case Heartbeat heartbeat when !_hasFailed:
                        _seen++;
                        Do(executor => executor.Beat(heartbeat));
                        _seen--;
                        break;
                    default:
                        break;
                }
            }
        }

        /// <summary>As its actor and the node do.</summary>
        private void End(string reason)
        {
            _hasFailed = true;
            CrashEvidence evidence = _executor.Evidence;
            _executor.Dispose();
            _gpu.EndExecutor(new ExecutorLost(1, reason, false, evidence));
            foreach (FakeInstance instance in _platform.Instances.Where(instance => !instance.Disposed))
            {
                // One that could not be adopted any more is the builder's.
                instance.Dispose();
            }
        }
    }
}

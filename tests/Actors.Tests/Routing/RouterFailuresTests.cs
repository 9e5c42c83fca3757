using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>A throw at each decision of a router in turn: every forward has its one reply, every remote origin its one outcome, every
/// load its answer, and no credit is lost.
/// The shell is <see cref="RouterActor"/>.</summary>
public sealed class RouterFailuresTests
{
    private const int Limit = 200;

    [Fact]
    public void Whichever_decision_throws_every_forward_has_its_one_reply()
    {
        int planted = 0;
        for (int at = 0; at < Limit; at++)
        {
            var scenario = new Scenario(at);
            scenario.Run();
            scenario.Check();
            if (scenario.Count <= at)
            {
                Assert.True(planted >= 16, $"Only {planted} decisions were taken.");
                return;
            }

            planted++;
        }

        Assert.Fail("The scenario does not end.");
    }

    /// <summary>Forwards accepted here that run here, run elsewhere, are cancelled and expire, and forwards of another node.</summary>
    private sealed class Scenario
    {
        private readonly RouterTable _router = new();
        private readonly List<RequestId> _accepted = [];
        private readonly List<Asker> _askers = [];
        private int _seen;

        public Scenario(int at)
        {
            _router.Recorder.Plant.At = at;
            _router.Recorder.OnFailed = (decision, cause) =>
            {
                _router.Origin.Failed(decision, cause, _router.Now);
                _router.Home.Failed(decision, cause);
                _router.Members.Failed(decision);
            };
        }

        public int Count => _router.Recorder.Plant.Count;

        public void Run()
        {
            _router.Gpu(0);
            _router.Members.Add(RouterTable.Other, _router.Now);
            _router.Members.Publish(new OwnSnapshot(Own, new Loader(), new ModelReply.Unloaded("m", [1])));
            _router.Node(RouterTable.Other);
            _ = _router.Decisions;
            for (int i = 0; i < 6; i++)
            {
                Accept(seconds: i == 5 ? 1 : 30);
            }

            for (int i = 0; i < 2; i++)
            {
                var asker = new Asker();
                _askers.Add(asker);
                asker.Id = new RequestId(new NodeIncarnation(9), (ulong)i);
                Forward forward = _router.Forward() with { Id = asker.Id };
                _router.Home.Host(new RouteForward(forward, 1), RouterTable.Other, asker, _router.Now);
                _ = _router.Decisions;
            }

            _router.Origin.Cancel(_accepted[0], _router.Now);
            _ = _router.Decisions;
            _router.Now += TimeSpan.FromSeconds(2);
            _router.Origin.Tick(_router.Now);
            _ = _router.Decisions;
            Answer();
            _router.Members.MarkUnreachable(RouterTable.Other, _router.Now);
            _ = _router.Decisions;
            Answer();
            _router.Origin.Drain();
            _router.Home.Drain();
            Accept(seconds: 30);
            var late = new Asker { Id = new RequestId(new NodeIncarnation(9), 7) };
            _askers.Add(late);
            _router.Home.Host(new RouteForward(_router.Forward() with { Id = late.Id }, 1), RouterTable.Other, late, _router.Now);
            _ = _router.Decisions;
        }

        public void Check()
        {
            Assert.Empty(_router.Sink.Twice);
            Assert.All(_accepted, id => Assert.NotNull(_router.Sink.Of(id)));
            Assert.Equal((0, 0), (_router.Origin.Pending, _router.Home.Hosted));
            Assert.Equal(0, _router.Table.Gpu(0)!.Outstanding);
            Assert.All(_router.Table.Nodes, node => Assert.Equal(0, node.Outstanding));
            Assert.Single(_router.Decisions, decision => decision.Action == RouterAction.AnswerModels);
            Assert.Single(_router.Decisions, decision => decision.Action == RouterAction.Introduce);
            Assert.Equal(2, _router.Decisions.Count(decision => decision.Action == RouterAction.PublishView));
            foreach (Asker asker in _askers)
            {
                int refused = _router.Decisions.Count(decision => decision.Origin == asker);
                Assert.Equal(1, refused + asker.ByGpu);
            }
        }

        private static NodeSnapshot Own => new(RouterTable.Self, new NodeIncarnation(1), 1, false, [], [], "");

        private void Accept(double seconds)
        {
            Forward forward = _router.Forward(seconds: seconds);
            _accepted.Add(forward.Id);
            _router.Origin.Accept(forward, _router.Sink, _router.Now);
            _ = _router.Decisions;
        }

        /// <summary>The device releases all that reached it; the answer of the other node never comes.</summary>
        private void Answer()
        {
            for (; _seen < _router.Decisions.Count; _seen++)
            {
                RouterDecision decision = _router.Decisions[_seen];
                if (decision.Dispatched is not { } dispatched)
                {
                    continue;
                }

                ForwardOutcome? outcome = null;
                if (dispatched.Origin is Asker asker)
                {
                    asker.ByGpu++;
                }
                else
                {
                    var reply = new ForwardReply.Failed(dispatched.Forward.Id, FailureKind.BackendFailed, "no");
                    outcome = new ForwardOutcome(dispatched.Attempt, reply, RetryAdvice.Final);
                }

                var release = new GpuRelease(decision.Ordinal, dispatched.Forward.Id, dispatched.Attempt, outcome);
                _router.Home.Release(release);
                _router.Origin.Release(release, _router.Now);
            }

            _ = _router.Decisions;
        }

        private sealed class Loader : IReplyTo<ModelReply>
        {
            public void Answer(ModelReply reply) => throw new InvalidOperationException("The recorder writes it down.");
        }

        private sealed class Asker : IForwardOrigin
        {
            public RequestId Id { get; set; }

            /// <summary>Answers that the device has sent.</summary>
            public int ByGpu { get; set; }

            public void Answer(ForwardOutcome outcome) => throw new InvalidOperationException("The recorder writes it down.");
        }
    }
}

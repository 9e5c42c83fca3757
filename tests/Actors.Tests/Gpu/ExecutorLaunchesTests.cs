using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Launches through their gate: every order in which completions, wakes and new work can fall between the steps of an
/// executor.</summary>
public sealed class ExecutorLaunchesTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData(2, 2, false)]
    [InlineData(2, 1, false)]
    [InlineData(3, 2, true)]
    public void Whatever_step_of_the_executor_a_completion_falls_into_it_is_seen_without_a_heartbeat(int launches, int lanes, bool atOnce)
    {
        var choices = new List<Choice>();
        int orders = 0;
        do
        {
            new Order(choices, launches, lanes, atOnce).Run();
            orders++;
        } while (TryNext(choices));

        output.WriteLine($"{orders} orders");
        Assert.True(orders > 100, $"Only {orders} orders were tried.");
    }

    /// <summary>The next order, in the way of an odometer; false after the last.</summary>
    private static bool TryNext(List<Choice> choices)
    {
        while (choices.Count > 0)
        {
            Choice last = choices[^1];
            choices.RemoveAt(choices.Count - 1);
            if (last.Taken + 1 < last.Possible)
            {
                choices.Add(last with { Taken = last.Taken + 1 });
                return true;
            }
        }

        return false;
    }

    private readonly record struct Choice(int Taken, int Possible);

    /// <summary>One order of events. At each step of the executor the world may send the next launch, finish a forward, wake for one that
    /// is finished, or let the executor go on.</summary>
    private sealed class Order
    {
        private readonly FakePlatform _platform = new(1) { CompleteAtOnce = false };
        private readonly ExecutorRecorder _recorder = new();
        private readonly ExecutorCore _core;
        private readonly FakeInstance _instance;
        private readonly List<Choice> _choices;
        private readonly int _launches;
        private readonly bool _wakesAtOnce;
        private readonly Queue<Launch?> _mailbox = new();
        private readonly List<FakeLane> _running = [];
        private readonly List<FakeLane> _finished = [];
        private int _step;
        private int _sent;

        public Order(List<Choice> choices, int launches, int lanes, bool wakesAtOnce)
        {
            (_choices, _launches, _wakesAtOnce) = (choices, launches, wakesAtOnce);
            _core = new ExecutorCore(
                1,
                _platform.OpenGroup(0),
                new ExecutorPulse(new NodeClock(TimeProvider.System), runsOnHost: true),
                () => _mailbox.Enqueue(null),
                _recorder.Queue
            );
            _instance = (FakeInstance)
                _platform.Load(new ModuleSource(new ModelReference("m"), "m"), 0, new InstanceOptions(lanes), CancellationToken.None);
            _core.Adopt(new AdoptInstance(1, new InstanceHandOver(_instance)));
            _platform.OnSubmit = lane =>
            {
                _running.Add(lane);
                Step(mayRest: true);
            };
            _platform.OnPoll = _ => Step(mayRest: true);
        }

        public void Run()
        {
            while (Step(mayRest: _mailbox.Count > 0) || _mailbox.Count > 0)
            {
                if (_mailbox.TryDequeue(out Launch? launch))
                {
                    Receive(launch);
                }
            }

            string order = string.Join(' ', _choices.Select(choice => choice.Taken));
            Assert.True(_core is { InFlight: 0, Waiting: 0 }, $"{_core.InFlight} in flight, {_core.Waiting} waiting after {order}.");
            Assert.Equal(_launches, _recorder.Applied.Count(decision => decision.Message is LaunchEnded));
        }

        private void Receive(Launch? launch)
        {
            if (launch is null)
            {
                _core.Poll();
            }
            else
            {
                _core.Run(launch);
            }
        }

        /// <summary>Any number of events; false when none is left and the world may not rest.</summary>
        private bool Step(bool mayRest)
        {
            while (true)
            {
                int send = _sent < _launches ? 1 : 0,
                    possible = (mayRest ? 1 : 0) + send + _running.Count + _finished.Count;
                if (possible == 0)
                {
                    return false;
                }

                int taken = Choose(possible) - (mayRest ? 1 : 0);
                if (taken < 0)
                {
                    return true;
                }

                Happen(taken - send);
                if (!mayRest)
                {
                    return true;
                }
            }
        }

        /// <param name="index">-1: the next launch; then forwards to finish, then wakes.</param>
        private void Happen(int index)
        {
            if (index < 0)
            {
                _sent++;
                _mailbox.Enqueue(new Launch(1, 0, [Admitted()]));
            }
            else if (index < _running.Count)
            {
                FakeLane done = _running[index];
                _running.RemoveAt(index);
                done.Finish();
                if (_wakesAtOnce)
                {
                    done.Wake();
                }
                else
                {
                    _finished.Add(done);
                }
            }
            else
            {
                FakeLane told = _finished[index - _running.Count];
                _finished.Remove(told);
                told.Wake();
            }
        }

        private int Choose(int possible)
        {
            if (_step == _choices.Count)
            {
                _choices.Add(new Choice(0, possible));
            }

            Assert.Equal(possible, _choices[_step].Possible);
            return _choices[_step++].Taken;
        }

        private AdmittedForward Admitted()
        {
            var forward = new Forward
            {
                Id = new RequestId(default, (ulong)_sent),
                Model = new ModelReference("m"),
                Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[1])],
            };
            return new AdmittedForward(
                new DispatchForward(forward, _instance.Module.Model, 1, TimeSpan.FromSeconds(30), null),
                ModeSettings.Default,
                0
            );
        }
    }
}

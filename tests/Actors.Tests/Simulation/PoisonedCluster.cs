using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>What a poisonous forward ends.</summary>
public enum CrashDomain
{
    Executor,
    Device,
    Process,
}

/// <summary>A simulated cluster in which some contents end whatever runs them; it notes what each of them cost, and every reply.</summary>
internal sealed class PoisonedCluster
{
    /// <summary>The first byte of a poisonous content.</summary>
    private const byte Poison = 255;

    private readonly Random _random;
    private readonly CrashDomain _domain;
    private readonly Dictionary<RequestId, Sent> _sent = [];

    public PoisonedCluster(int seed, CrashDomain domain, params int[] devices)
    {
        _random = new Random(seed);
        _domain = domain;
        Queue<int> counts = new(devices);
        Network = new SimulatedNetwork(_random, () => counts.Count > 1 ? counts.Dequeue() : counts.Peek(), safeToResend: true)
        {
            QueueLimit = 1000,
            WatchdogBound = TimeSpan.FromMinutes(1),
        };
        Network.Start(devices.Length);
    }

    public SimulatedNetwork Network { get; }

    /// <summary>By poisonous content: executors, devices or processes that it has ended.</summary>
    public Dictionary<int, int> Costs { get; } = [];

    public IEnumerable<Sent> All => _sent.Values;

    public static byte[] PoisonOf(int content) => [Poison, (byte)content, (byte)(content >> 8)];

    public Sent Send(SimulatedNode node, string model, params byte[] input)
    {
        var sent = new Sent(node, model, input);
        RequestId id = node.Accept(sent, TimeSpan.FromMinutes(30), model, input).Id;
        _sent.Add(id, sent);
        return sent;
    }

    /// <summary>The oldest forward of every device ends, as it is bound to; all that follows from it happens, and time passes.</summary>
    public void Step(Action<SimulatedGpu>? onCompleted = null)
    {
        foreach (SimulatedNode node in Network.Nodes.ToList())
        {
            foreach (SimulatedGpu gpu in node.Gpus)
            {
                End(node, gpu, onCompleted);
            }
        }

        Network.Gossip();
        Settle();
        Network.Advance(TimeSpan.FromMilliseconds(10));
        Settle();
    }

    /// <summary>Whatever follows comes to an end.</summary>
    private void Settle()
    {
        Network.Settle(1_000_000);
        Assert.True(Network.Bag.Empty, "Messages beget messages.");
    }

    public void StepUntilAllAreAnswered(int limit)
    {
        for (int step = 0; _sent.Values.Any(sent => sent.Reply is null && sent.Node.Alive); step++)
        {
            Assert.True(step < limit, $"{_sent.Values.Count(sent => sent.Reply is null)} forwards have no reply.");
            Step();
        }
    }

    private void End(SimulatedNode node, SimulatedGpu gpu, Action<SimulatedGpu>? onCompleted)
    {
        if (!node.Alive || gpu.Busy is not [FakeLane lane, ..])
        {
            return;
        }

        ReadOnlySpan<byte> input = lane.Input.Data.Span;
        if (input[0] != Poison)
        {
            lane.Complete();
            onCompleted?.Invoke(gpu);
            return;
        }

        int content = input[1] | (input[2] << 8);
        Costs[content] = Costs.GetValueOrDefault(content) + 1;
        switch (_domain)
        {
            case CrashDomain.Executor:
                gpu.Crash("its executor failed: poison");
                break;
            case CrashDomain.Device:
                gpu.LoseDevice();
                foreach (FakeLane busy in gpu.Busy)
                {
                    busy.Fail(new ForwardException(Troupe.Messages.Failures.FailureKind.DeviceLost, "poison"));
                }

                break;
            default:
                Network.Replace(Enumerable.Range(0, Network.Nodes.Count).First(at => Network.Nodes[at] == node));
                break;
        }
    }

    /// <summary>A forward and what became of it.</summary>
    internal sealed class Sent(SimulatedNode node, string model, byte[] input) : IForwardSink
    {
        public SimulatedNode Node => node;

        public string Model => model;

        public bool IsPoison => input[0] == Poison;

        public int Content => input[1] | (input[2] << 8);

        public ForwardReply? Reply { get; private set; }

        public void Complete(ForwardReply reply)
        {
            Assert.Null(Reply);
            Reply = reply;
        }
    }
}

using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Troupe.Actors.Membership;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>A process that is no member speaks to a node's actors, to the entrances (RouterActor, GatewayActor, ModeDirectoryActor) and to
/// others, by path, by reference and in a member's name: nothing changes, forwards are answered meanwhile, and what was dropped is
/// counted.</summary>
public sealed class StrangersTests
{
    private static readonly string[] Entrances = ["user/router", "user/gateway", "user/modes"];
    private static readonly string[] Inner = ["user/node", "user/node/models", "user/node/gpu-0", "user/membership"];
    private static readonly NodeIncarnation Life = new(77);
    private static readonly ModeChange Change = new() { PreAllocatedOutputs = true };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commands_to_actors_have_no_effect_on_any_actor_of_a_node()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        foreach (string path in Entrances.Concat(Inner))
        {
            foreach (object command in Commands(stranger, node, path))
            {
                stranger.Tell(node, path, command, Stranger.Way.Reference);
                if (command is not ISystemMessage)
                {
                    stranger.Tell(node, path, command, Stranger.Way.Selection);
                }
            }
        }

        await Heard(stranger, node);
        await GoesOn(cluster);
    }

    [Fact]
    public async Task What_other_serializers_would_read_is_dropped_unread_and_counted()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        object[] unread = ["text", 7, 7L, new byte[] { 1 }, new Trap(), PoisonPill.Instance, Kill.Instance];
        int made = Trap.Made;
        foreach (Stranger.Way way in Enum.GetValues<Stranger.Way>())
        {
            foreach (object message in unread)
            {
                stranger.Tell(node, "user/router", message, way);
            }
        }

        await LocalNode.Eventually(() => Dropped(node, ForeignReason.NotRead) == 2 * unread.Length);
        Assert.Equal(made, Trap.Made);
        await GoesOn(cluster);
    }

    [Fact]
    public async Task No_actor_is_deployed_on_a_node_from_elsewhere()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        var scope = new RemoteScope(((ExtendedActorSystem)node.System).Provider.DefaultAddress);
        stranger.System.ActorOf(Props.Create<Deployed>().WithDeploy(Deploy.None.WithScope(scope)), "deployed");
        await LocalNode.Eventually(() => Dropped(node, ForeignReason.NotRead) > 0);
        Assert.Equal(0, Deployed.Started);
        await GoesOn(cluster);
    }

    [Theory]
    [InlineData("stranger", false)]
    [InlineData("stranger", true)]
    [InlineData("the node itself", false)]
    [InlineData("the node itself", true)]
    public async Task What_nodes_say_to_each_other_is_not_taken_from_one_that_is_no_member(string name, bool direct)
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        LocalNode other = cluster.Nodes[1];
        IActorRef sender =
            name == "stranger"
                ? stranger.System.ActorOf(Props.Create<Ignoring>(), "router")
                : stranger.Reference(node.Node.Id, "user/router");
        Stranger.Way way = direct ? Stranger.Way.Reference : Stranger.Way.Selection;
        (string Path, object Message)[] said = Said(other.Node.Id);
        foreach ((string path, object message) in said)
        {
            stranger.Tell(node, path, message, way, sender);
        }

        await LocalNode.Eventually(() => Dropped(node, ForeignReason.NoMember) == said.Length);
        Assert.Equal(0, node.Node.Modes.Epoch);
        Assert.DoesNotContain(node.Node.View.Nodes.SelectMany(known => known.Models), model => model.Model.Name == "strange");
        await GoesOn(cluster);
    }

    [Fact]
    public async Task What_goes_to_an_actor_that_is_no_entrance_is_counted_and_read_by_nobody()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        foreach (string path in Inner)
        {
            stranger.Tell(node, path, new LoadModel("strange", Path: "/etc/passwd"), Stranger.Way.Reference);
        }

        IActorRef member = stranger.Reference(cluster.Nodes[1].Node.Id, "user/router");
        stranger.Tell(node, "user/node/models", new LoadModel("strange", Path: "/etc/passwd"), Stranger.Way.Reference, member);
        await LocalNode.Eventually(() =>
            Dropped(node, ForeignReason.NoMember) == Inner.Length && Dropped(node, ForeignReason.NotTaken) == 1
        );
        await GoesOn(cluster);
        Assert.DoesNotContain(node.Node.View.Nodes.SelectMany(known => known.Models), model => model.Model.Name == "strange");
    }

    [Fact]
    public async Task Who_speaks_in_a_members_name_neither_drives_the_time_to_its_end_nor_speaks_for_a_third()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        NodeId other = cluster.Nodes[1].Node.Id;
        IActorRef member = stranger.Reference(other, "user/modes");
        var stamp = new ModeStamp(long.MaxValue, Life, 1);
        var entry = new ModeEntry(stamp, null, ModeScope.Cluster, Change, other);
        object[] late =
        [
            new CompareModes(1, other, long.MaxValue, 1),
            new ModePage(1, other, 1, 0, 1, [entry]),
            new CommitModeChange(
                1,
                other,
                1,
                [entry with { Stamp = new ModeStamp(1, Life, 1), Lease = new ModeLease(stamp, TimeSpan.FromHours(1)) }],
                TimeSpan.FromSeconds(1)
            ),
        ];
        foreach (object message in late)
        {
            stranger.Tell(node, "user/modes", message, Stranger.Way.Selection, member);
        }

        stranger.Tell(node, "user/router", Snapshot(new NodeId("127.0.0.1:1"), 1), Stranger.Way.Selection, member);
        stranger.Tell(node, "user/router", new LoadModel("strange", Path: "/etc/passwd"), Stranger.Way.Selection, member);
        await LocalNode.Eventually(() =>
            Dropped(node, ForeignReason.BeyondTime) == late.Length
            && Dropped(node, ForeignReason.OtherNode) == 1
            && Dropped(node, ForeignReason.NotTaken) == 1
        );
        Assert.Equal(0, node.Node.Modes.Epoch);
        await GoesOn(cluster);
    }

    [Fact]
    public async Task A_sequence_near_its_end_in_a_members_name_does_not_silence_the_member()
    {
        await using InProcessCluster cluster = await Loaded();
        await using Stranger stranger = new();
        LocalNode node = cluster.Nodes[0];
        LocalNode other = cluster.Nodes[1];
        NodeSnapshot real = node.Node.View.Nodes.Single(known => known.Node == other.Node.Id);
        IActorRef member = stranger.Reference(other.Node.Id, "user/router");
        stranger.Tell(node, "user/router", real with { Sequence = long.MaxValue }, Stranger.Way.Selection, member);
        await LocalNode.Eventually(() => node.Node.View.Nodes.Any(known => known.Node == other.Node.Id && known.Sequence == long.MaxValue));
        await other.Load("after");
        await InProcessCluster.Knows(node, other.Node.Id, "after");
        await GoesOn(cluster);
    }

    [Fact]
    public async Task A_mode_has_no_owner_but_on_a_member()
    {
        await using InProcessCluster cluster = await Loaded();
        LocalNode node = cluster.Nodes[0];
        foreach (string owner in new[] { "akka.tcp://troupe@127.0.0.1:1/user/owner", "akka.tcp://troupe@:/user/owner", "nobody" })
        {
            ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(
                await node.Node.ModesAsync(new EnterMode(ModeScope.Cluster, Change, TimeSpan.FromMinutes(1), owner), Cancellation)
            );
            Assert.Equal(Troupe.Messages.Failures.FailureKind.InvalidRequest, refused.Kind);
        }

        // An owner on another member does; its end ends the mode there and here.
        IActorRef live = cluster.Nodes[1].System.ActorOf(Props.Create<Ignoring>(), "owner");
        Address address = ((ExtendedActorSystem)cluster.Nodes[1].System).Provider.DefaultAddress;
        string path = live.Path.ToSerializationFormatWithAddress(address);
        Assert.IsType<ModeReply.Entered>(
            await node.Node.ModesAsync(new EnterMode(ModeScope.Cluster, Change, TimeSpan.FromMinutes(1), path), Cancellation)
        );
        Assert.Equal(1, node.Node.Modes.Cluster);
        cluster.Nodes[1].System.Stop(live);
        await LocalNode.Eventually(() => cluster.Nodes.All(known => known.Node.Modes.Cluster == 0));
    }

    private static async Task<InProcessCluster> Loaded()
    {
        InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(1));
        await cluster.Nodes[1].Load();
        await InProcessCluster.Knows(cluster.Nodes[0], cluster.Nodes[1].Node.Id, "double");
        return cluster;
    }

    /// <summary>Forwards to the other node, modes and loads work as before, on both nodes.</summary>
    private static async Task GoesOn(InProcessCluster cluster)
    {
        foreach (LocalNode node in cluster.Nodes)
        {
            await node.MustSucceed();
            ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
                await node.Node.ModesAsync(new EnterMode(ModeScope.Cluster, Change, TimeSpan.FromMinutes(1)), Cancellation)
            );
            Assert.Equal(2, entered.AppliedBy.Length);
            Assert.IsType<ModeReply.Exited>(await node.Node.ModesAsync(new ExitMode(entered.Token), Cancellation));
            NodeId other = cluster.Nodes.Single(known => known != node).Node.Id;
            Assert.IsType<ModelReply.Loaded>(await node.Node.LoadAsync(new LoadModel("more"), other, Cancellation));
            Assert.IsType<ModelReply.Unloaded>(await node.Node.UnloadAsync(new UnloadModel("more"), other, Cancellation));
        }
    }

    /// <summary>What was sent before on the same connection has been received when this has.</summary>
    private static async Task Heard(Stranger stranger, LocalNode node)
    {
        stranger.Tell(node, "user/router", new AskResidency(new NodeId("127.0.0.1:1")), Stranger.Way.Reference);
        await LocalNode.Eventually(() => Dropped(node, ForeignReason.NoMember) > 0);
    }

    private static long Dropped(LocalNode node, ForeignReason reason) =>
        node.Node.ForeignMessages.Single(dropped => dropped.Key == reason).Value;

    private static object[] Commands(Stranger stranger, LocalNode node, string path)
    {
        var there = (IInternalActorRef)stranger.Reference(node.Node.Id, path);
        var here = (IInternalActorRef)stranger.System.ActorOf(Props.Create<Ignoring>());
        return
        [
            PoisonPill.Instance,
            Kill.Instance,
            new Terminate(),
            new Suspend(),
            new Recreate(new InvalidOperationException("a stranger's")),
            new Failed(there, new InvalidOperationException("a stranger's"), 1),
            new Watch(here, there),
            new DeathWatchNotification(stranger.Reference(node.Node.Id, "user/node/gpu-0"), true, false),
            new DeathWatchNotification(here, true, false),
        ];
    }

    /// <summary>What nodes say to each other, each to the entrance that takes it.</summary>
    private static (string Path, object Message)[] Said(NodeId from)
    {
        var entry = new ModeEntry(new ModeStamp(9, Life, 1), null, ModeScope.Cluster, Change, from);
        var forward = new Forward
        {
            Id = new RequestId(Life, 1),
            Model = new ModelReference("double"),
            Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(1), new byte[] { 1 })],
        };
        var id = new RequestId(Life, 2);
        return
        [
            ("user/router", Snapshot(from, 1_000_000)),
            ("user/router", new ResidencyPage(from, Life, 1, 0, 1, [])),
            ("user/router", new AskResidency(from)),
            ("user/router", new RouteForward(forward, 1)),
            ("user/router", new AbandonForward(id, 1)),
            ("user/modes", new CompareModes(1, from, 9, 1)),
            ("user/modes", new ModePage(1, from, 9, 0, 1, [entry])),
            ("user/modes", new CommitModeChange(1, from, 9, [entry], TimeSpan.FromSeconds(1))),
            ("user/modes", new SetMode(ModeScope.Cluster, Change)),
            ("user/gateway", new AskModels(id, from, new LoadModel("strange", Path: "/etc/passwd"), null)),
            ("user/gateway", new AskModels(id, from, null, new UnloadModel("double"))),
            ("user/gateway", new AskConfiguration(id, from, new ModelVersion("double", 1, default), 0)),
        ];
    }

    private static NodeSnapshot Snapshot(NodeId node, long sequence) => new(node, Life, sequence, true, [], [], "");

    private sealed class Trap
    {
        public Trap() => Made++;

        public static int Made { get; private set; }
    }

    private sealed class Deployed : ReceiveActor
    {
        public Deployed() => Started++;

        public static int Started { get; private set; }
    }

    private sealed class Ignoring : ReceiveActor
    {
        public Ignoring() => ReceiveAny(static _ => { });
    }
}

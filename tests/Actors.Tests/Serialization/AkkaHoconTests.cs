using System.Text.RegularExpressions;
using Akka.Actor;
using Akka.Configuration;
using Akka.Dispatch.SysMsg;
using Akka.Serialization;
using Troupe.Actors.Membership;
using Troupe.Actors.Serialization;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Wire;

namespace Troupe.Actors.Tests.Serialization;

public sealed partial class AkkaHoconTests : IAsyncLifetime
{
    private static readonly string Text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon"));

    private ActorSystem _system = null!;

    public ValueTask InitializeAsync()
    {
        Config config = ConfigurationFactory
            .ParseString(
                "akka.loglevel = OFF\nakka.stdout-loglevel = OFF\nakka.actor.provider = cluster\nakka.remote.dot-netty.tcp.hostname = 127.0.0.1\nakka.remote.dot-netty.tcp.port = 0"
            )
            .WithFallback(ConfigurationFactory.ParseString(Text));
        _system = ActorSystem.Create("troupe", config);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync() => await _system.Terminate();

    [Fact]
    public void Every_type_it_names_exists()
    {
        MatchCollection names = TypeName().Matches(Text);
        Assert.True(names.Count > 5);
        foreach (Match name in names)
        {
            Assert.NotNull(Type.GetType(name.Groups[1].Value, throwOnError: true));
        }
    }

    [Theory]
    [InlineData("troupe.executor")]
    [InlineData("troupe.builder")]
    public void Every_dispatcher_it_names_is_a_pinned_thread(string dispatcher)
    {
        Assert.True(_system.Dispatchers.HasDispatcher(dispatcher));
        Assert.Equal("PinnedDispatcher", _system.Dispatchers.Lookup(dispatcher).GetType().Name);
    }

    [Fact]
    public void Everything_routers_and_directories_say_to_each_other_goes_through_the_wire_format()
    {
        // Forwards, replies and cancellations travel inside others, never alone.
        string[] inner = ["fwd", "frp", "cxl"];
        Assert.All(
            WireFormat.MessageTypes.Where(type => !inner.Contains(WireFormat.Manifest(Sample(type)))),
            type => Assert.IsType<WireSerializer>(_system.Serialization.FindSerializerForType(type))
        );
        Assert.All(
            WireFormat.MessageTypes.Where(type => inner.Contains(WireFormat.Manifest(Sample(type)))),
            type => Assert.IsType<RefusingSerializer>(_system.Serialization.FindSerializerForType(type))
        );
    }

    [Fact]
    public void A_message_comes_back_as_it_was_sent()
    {
        var sent = new AbandonForward(new RequestId(new NodeIncarnation(7), 9), 2);
        var serializer = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(sent);
        Assert.Equal(new FromAfar(sent), serializer.FromBinary(serializer.ToBinary(sent), serializer.Manifest(sent)));
    }

    [Theory]
    [InlineData(1, "Troupe.Actors.Tests.Serialization.AkkaHoconTests+Trap, Troupe.Actors.Tests")]
    [InlineData(2, "Akka.Remote.Serialization.Proto.Msg.ActorRefData, Akka.Remote")]
    [InlineData(3, "")]
    [InlineData(4, "")]
    [InlineData(5, "Akka.Cluster.ClusterUserAction+Down, Akka.Cluster")]
    [InlineData(5, "Akka.Cluster.ClusterUserAction+Leave, Akka.Cluster")]
    [InlineData(17, "S")]
    [InlineData(36, "a")]
    [InlineData(4712, "")]
    public void What_comes_under_the_number_of_a_serializer_that_reads_whatever_a_stranger_names_is_dropped_unread(int id, string manifest)
    {
        Assert.Same(Unread.Instance, _system.Serialization.Deserialize("{}"u8.ToArray(), id, manifest));
        Assert.Equal(0, Trap.Made);
        Assert.Equal(1, Dropped(ForeignReason.NotRead));
    }

    [Fact]
    public void Of_Akkas_own_messages_only_those_of_joining_gossip_and_watching_are_read()
    {
        IActorRef here = _system.ActorOf(Props.Empty);
        IActorRef there = ((ExtendedActorSystem)_system).Provider.ResolveActorRef("akka.tcp://troupe@127.0.0.1:1/user/x");
        (IInternalActorRef near, IInternalActorRef far) = ((IInternalActorRef)here, (IInternalActorRef)there);
        Address address = new("akka.tcp", "troupe", "127.0.0.1", 1);
        object[] commands =
        [
            PoisonPill.Instance,
            Kill.Instance,
            new Identify(null),
            new RemoteScope(address),
            new Terminate(),
            new Suspend(),
            new Resume(null),
            new Recreate(new InvalidOperationException("x")),
            new Failed(here, new InvalidOperationException("x"), 1),
            new Supervise(here, true),
            new Watch(far, near),
            new Watch(near, near),
            new Unwatch(far, near),
            new DeathWatchNotification(here, true, false),
        ];
        Assert.All(commands, command => Assert.Same(Unread.Instance, Transmitted(command)));
        Assert.Equal(commands.Length, Dropped(ForeignReason.NotRead));

        object[] read = [new Watch(near, far), new Unwatch(near, far), new DeathWatchNotification(there, true, false)];
        Assert.All(read, message => Assert.IsType(message.GetType(), Transmitted(message)));
        Assert.Equal(commands.Length, Dropped(ForeignReason.NotRead));
    }

    [Fact]
    public void Bytes_that_are_no_message_are_counted_and_dropped()
    {
        Assert.Same(Unread.Instance, _system.Serialization.Deserialize([0xc1], 4711, "mcmp"));
        Assert.Same(Unread.Instance, _system.Serialization.Deserialize([0x90], 4711, "nobody"));
        Assert.Equal(2, Dropped(ForeignReason.Invalid));
    }

    private object Transmitted(object message) =>
        Akka.Serialization.Serialization.WithTransport(
            (ExtendedActorSystem)_system,
            () =>
            {
                Serializer serializer = _system.Serialization.FindSerializerFor(message);
                string manifest = ((SerializerWithStringManifest)serializer).Manifest(message);
                return _system.Serialization.Deserialize(serializer.ToBinary(message), serializer.Identifier, manifest);
            }
        );

    private long Dropped(ForeignReason reason) => Doors.Of(_system).Dropped.Single(dropped => dropped.Key == reason).Value;

    [Fact]
    public void What_is_bound_to_nothing_is_refused_and_never_becomes_JSON()
    {
        Serializer serializer = _system.Serialization.FindSerializerFor(new Stranger("x"));
        Assert.IsType<RefusingSerializer>(serializer);
        Exception refusal = Assert.ThrowsAny<Exception>(() => serializer.ToBinary(new Stranger("x")));
        Assert.Contains(nameof(Stranger), refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_shipped_failure_detection_is_two_seconds_and_seven()
    {
        Assert.Equal(
            TimeSpan.FromSeconds(2),
            _system.Settings.Config.GetTimeSpan("akka.cluster.failure-detector.acceptable-heartbeat-pause")
        );
        Assert.Equal(TimeSpan.FromSeconds(7), _system.Settings.Config.GetTimeSpan("troupe.downing.stable-after"));
        Assert.Equal(
            "Troupe.Actors.Membership.TroupeDowningProvider",
            Akka.Cluster.Cluster.Get(_system).DowningProvider.GetType().FullName
        );
    }

    private static object Sample(Type type) =>
        type == typeof(AbandonForward)
            ? new AbandonForward(default, 1)
            : System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);

    [GeneratedRegex("\"(Troupe\\.[A-Za-z.]+, Troupe\\.[A-Za-z]+)\"")]
    private static partial Regex TypeName();

    private sealed record Stranger(string Text);

    private sealed class Trap
    {
        public Trap() => Made++;

        public static int Made { get; private set; }
    }
}

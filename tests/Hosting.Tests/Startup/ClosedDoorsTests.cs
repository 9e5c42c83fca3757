using System.Text.Json;
using Akka.Actor;
using Akka.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Startup;

/// <summary>The doors of a node as it is served: what its whole configuration lets in.</summary>
public sealed class ClosedDoorsTests
{
    private const string Stranger = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp.hostname = 127.0.0.1
        akka.remote.dot-netty.tcp.port = 0
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        """;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_process_that_is_no_member_neither_makes_objects_nor_stops_actors_of_a_served_node()
    {
        ServeSpec spec = new()
        {
            Cluster = new ListenAddress("127.0.0.1", 0),
            Devices = new DeviceChoice(DeviceKind.Emulated, 1),
            DrainTimeout = TimeSpan.FromSeconds(1),
        };
        await using NodeHost host = await NodeHost.StartAsync(spec, NullLoggerFactory.Instance, Cancellation);
        using ActorSystem stranger = ActorSystem.Create("troupe", ConfigurationFactory.ParseString(Stranger));
        object[] said = [new Trap(), "text", new byte[] { 1 }, PoisonPill.Instance, Kill.Instance];
        int made = Trap.Made;
        foreach (object message in said)
        {
            string router = $"akka.tcp://troupe@{host.Node.Id.Address}/user/router";
            stranger.ActorSelection(router).Tell(message);
            ((ExtendedActorSystem)stranger).Provider.ResolveActorRef(router).Tell(message);
        }

        using PeriodicTimer period = new(TimeSpan.FromMilliseconds(5));
        while (host.Node.ForeignMessages.Single(dropped => dropped.Key == ForeignReason.NotRead).Value < 2 * said.Length)
        {
            await period.WaitForNextTickAsync(Cancellation);
        }

        Assert.Equal(made, Trap.Made);
        Sink sink = new();
        host.Node.Forward(
            new Forward
            {
                Id = host.Node.NextRequestId(),
                Model = new ModelReference("none"),
                Inputs = [],
            },
            sink
        );
        Assert.Equal(FailureKind.ModelNotLoaded, Assert.IsType<ForwardReply.Failed>(await sink.Reply).Kind);
        await stranger.Terminate();
    }

    [Fact]
    public async Task A_path_over_HTTP_lies_below_an_allowed_folder_or_tells_nothing()
    {
        using ModuleFolder folder = new();
        string model = EmulatedModels.Scaled(folder);
        string outside = Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fmnist", "1");
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { AllowPath = [folder.Path], Load = [] });
        string? said = null;
        foreach (string path in new[] { outside, outside + "-missing", "/etc/passwd", "/", Path.Combine(folder.Path, "..") })
        {
            (int status, JsonElement answer) = await Load(node, "m", path);
            Assert.Equal(400, status);
            said ??= answer.ToString();
            Assert.Equal(said, answer.ToString());
        }

        Assert.Contains("--allow-path", said, StringComparison.Ordinal);
        Assert.Equal(200, (await Load(node, "scaled", model)).Status);
        Assert.IsType<ModelReply.Loaded>(await node.Host.Node.LoadOwnAsync(new LoadModel("own", Path: outside), Cancellation));
    }

    private static Task<(int Status, JsonElement Body)> Load(ServedNode node, string name, string path) =>
        node.SendAsync(
            "POST",
            $"/v2/troupe/models/{name}/load",
            JsonSerializer.Serialize(new Dictionary<string, string> { ["path"] = path })
        );

    private sealed class Sink : IForwardSink
    {
        private readonly TaskCompletionSource<ForwardReply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<ForwardReply> Reply => _reply.Task;

        public void Complete(ForwardReply reply) => _reply.TrySetResult(reply);
    }

    private sealed class Trap
    {
        public Trap() => Made++;

        public static int Made { get; private set; }
    }
}

using Akka.Actor;
using Troupe.Actors.Membership;
using Troupe.Actors.Tests.Node;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Membership;

/// <summary>Requests from gateway to gateway: who asked is answered by number, and what comes late finds nobody.</summary>
public sealed class GatewayActorTests : IAsyncDisposable
{
    private static readonly NodeIncarnation Life = new(1);
    private static readonly NodeId Other = new("b:1");

    private readonly LocalNode _local = LocalNode.Start(new FakePlatform(1));
    private readonly Inbox _models;
    private readonly Inbox _peer;
    private readonly IActorRef _gateway;
    private readonly byte[] _written = [.. Enumerable.Range(0, 100_000).Select(index => (byte)index)];

    public GatewayActorTests()
    {
        _models = Inbox.Create(_local.System);
        _peer = Inbox.Create(_local.System);
        _gateway = _local.System.ActorOf(
            GatewayActor.Props(new GatewayState(new NodeId("a:1"), Life), _models.Receiver, model => model.Name == "m" ? _written : null)
        );
    }

    public async ValueTask DisposeAsync()
    {
        _models.Dispose();
        _peer.Dispose();
        await _local.DisposeAsync();
    }

    [Fact]
    public async Task A_request_of_another_node_is_put_to_the_directory_here_and_its_answer_goes_back_under_its_number()
    {
        (ModelsAsked asked, RequestId id) = await Introduce();
        Assert.Equal("m", asked.Request.Name);
        var reply = new ModelReply.Unloaded("m", [1]);
        asked.Asker.Answer(reply);
        ModelsAnswered answered = await Receive<ModelsAnswered>(_peer);
        Assert.Equal((id, reply), (answered.Id, answered.Reply));
    }

    [Theory]
    [InlineData("m", 0, 100_000, 49_152)]
    [InlineData("m", 49_152, 100_000, 49_152)]
    [InlineData("m", 98_304, 100_000, 1696)]
    [InlineData("m", 100_000, 100_000, 0)]
    [InlineData("m", int.MaxValue, 100_000, 0)]
    [InlineData("other", 0, 0, 0)]
    public async Task A_configuration_goes_out_in_parts(string model, int offset, int length, int expected)
    {
        var id = new RequestId(new NodeIncarnation(9), 1);
        _gateway.Tell(new AskConfiguration(id, Other, new ModelVersion(model, 1, default), offset), _peer.Receiver);
        ConfigurationPart part = await Receive<ConfigurationPart>(_peer);
        Assert.Equal((id, length, expected), (part.Id, part.Length, part.Bytes.Length));
        Assert.True(part.Bytes.Span.SequenceEqual(_written.AsSpan(Math.Min(offset, 100_000), expected)));
    }

    [Fact]
    public async Task An_answer_to_a_former_life_of_the_node_is_nobodys()
    {
        await Introduce();
        Task<ModelReply> reply = Ask();
        AskModels sent = await Receive<AskModels>(_peer);
        Answer(new RequestId(new NodeIncarnation(2), sent.Id.Counter), 1);
        Answer(sent.Id, 2);
        ModelReply.Unloaded unloaded = Assert.IsType<ModelReply.Unloaded>(await reply);
        Assert.Equal([2], unloaded.Numbers);
    }

    [Fact]
    public async Task An_answer_from_before_a_restart_of_the_gateway_is_nobodys()
    {
        await Introduce();
        Task<ModelReply> former = Ask();
        AskModels before = await Receive<AskModels>(_peer);
        ((IInternalActorRef)_gateway).Suspend();
        ((IInternalActorRef)_gateway).Restart(new InvalidOperationException("a defect"));
        Assert.Equal(FailureKind.Draining, Assert.IsType<ModelReply.Failed>(await former).Kind);

        await Introduce();
        Task<ModelReply> next = Ask();
        AskModels after = await Receive<AskModels>(_peer);
        Answer(before.Id, 1);
        Answer(after.Id, 2);
        ModelReply.Unloaded unloaded = Assert.IsType<ModelReply.Unloaded>(await next);
        Assert.Equal([2], unloaded.Numbers);
    }

    /// <summary>The other node asks, by which the gateway knows it.</summary>
    private async Task<(ModelsAsked Asked, RequestId Id)> Introduce()
    {
        var id = new RequestId(new NodeIncarnation(5), 3);
        _gateway.Tell(new AskModels(id, Other, null, new UnloadModel("m")), _peer.Receiver);
        return (await Receive<ModelsAsked>(_models), id);
    }

    private Task<ModelReply> Ask()
    {
        var end = new ConversationEnd<ModelReply>((kind, detail) => new ModelReply.Failed("m", kind, detail));
        _gateway.Tell(new Converse(new UnloadModel("m"), null, Other, end, TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken));
        return end.Reply;
    }

    private void Answer(RequestId id, int number) =>
        _gateway.Tell(new ModelsAnswered(id, new ModelReply.Unloaded("m", [number])), _peer.Receiver);

    private static async Task<TMessage> Receive<TMessage>(Inbox inbox) =>
        Assert.IsType<TMessage>(await inbox.ReceiveAsync(TimeSpan.FromSeconds(20)));
}

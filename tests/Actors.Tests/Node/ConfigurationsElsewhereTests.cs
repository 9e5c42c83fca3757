using Akka.Actor;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Configuration;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>How a version is configured is asked of those that serve it, until one of them says it.</summary>
public sealed class ConfigurationsElsewhereTests : IAsyncDisposable
{
    private static readonly NodeId First = new("b:1");
    private static readonly NodeId Second = new("c:1");

    private readonly LocalNode _local = LocalNode.Start(new FakePlatform(1));

    public ValueTask DisposeAsync() => _local.DisposeAsync();

    [Theory]
    [InlineData("says nothing")]
    [InlineData("is cut short")]
    [InlineData("grows")]
    [InlineData("shrinks")]
    [InlineData("is broken")]
    public async Task Another_node_is_asked_where_one_does_not_say_it(string what)
    {
        ModelVersion model = (await _local.Load()).Model;
        byte[] whole = _local.Node.ConfigurationOf(model)!.ToBytes();
        List<NodeId> asked = [];
        ModelConfiguration? found = await Elsewhere(
                (node, offset) =>
                {
                    asked.Add(node);
                    int half = offset == 0 ? whole.Length / 2 : whole.Length;
                    ReadOnlyMemory<byte> rest = whole.AsMemory(offset..half);
                    return (node == Second ? "" : what) switch
                    {
                        "says nothing" => new ConfigurationPart(default, 0, default),
                        "is cut short" => new ConfigurationPart(default, whole.Length, offset == 0 ? rest : default),
                        "grows" => new ConfigurationPart(
                            default,
                            whole.Length + offset,
                            new byte[offset == 0 ? rest.Length : whole.Length]
                        ),
                        "shrinks" => new ConfigurationPart(default, whole.Length - (offset == 0 ? 0 : 1), rest[..^1]),
                        "is broken" => new ConfigurationPart(default, 8, new byte[] { 4, 0, 0, 0, 255, 255, 255, 255 }),
                        _ => new ConfigurationPart(default, whole.Length, rest),
                    };
                }
            )
            .FetchAsync(model, TestContext.Current.CancellationToken);
        Assert.Equal(whole, found!.ToBytes());
        Assert.Equal([First, Second], asked.Distinct());
    }

    [Fact]
    public async Task What_none_of_them_says_is_not_known()
    {
        ModelVersion model = (await _local.Load()).Model;
        Assert.Null(
            await Elsewhere((_, _) => new ConfigurationPart(default, 0, default)).FetchAsync(model, TestContext.Current.CancellationToken)
        );
    }

    /// <summary>Two nodes that say that they serve what the local one does.</summary>
    private ConfigurationsElsewhere Elsewhere(Func<NodeId, int, ConfigurationPart> answer)
    {
        NodeSnapshot local = _local.Node.View.Nodes[0];
        var self = new NodeId("a:1");
        var views = new ClusterViewHolder(self)
        {
            View = new ClusterView([local with { Node = self }, local with { Node = First }, local with { Node = Second }], []),
        };
        IActorRef gateway = _local.System.ActorOf(Props.Create<Gateway>(answer));
        return new ConfigurationsElsewhere(self, gateway, views, new ServedConfigurations());
    }

    private sealed class Gateway : ReceiveActor
    {
        public Gateway(Func<NodeId, int, ConfigurationPart> answer) =>
            Receive<Converse>(converse =>
                converse.End.Answer(answer(converse.Node!.Value, ((GetConfigurationPart)converse.Request).Offset))
            );
    }
}

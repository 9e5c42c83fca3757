using Akka.Actor;
using Akka.Configuration;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Tests.Node;

/// <summary>A process that is no member: an actor system of its own, which knows Troupe's wire format and has Akka's own serializers for
/// everything else.</summary>
internal sealed class Stranger : IAsyncDisposable
{
    private const string Profile = """
        akka.loglevel = OFF
        akka.stdout-loglevel = OFF
        akka.actor.provider = remote
        akka.remote.dot-netty.tcp.hostname = 127.0.0.1
        akka.remote.dot-netty.tcp.port = 0
        akka.coordinated-shutdown.run-by-clr-shutdown-hook = off
        akka.actor.serializers.troupe = "Troupe.Actors.Serialization.WireSerializer, Troupe.Actors"
        akka.actor.serialization-bindings {
          "Troupe.Messages.Formatters.IWireMessage, Troupe.Messages" = troupe
        }
        """;

    private readonly ActorSystem _system = ActorSystem.Create("troupe", ConfigurationFactory.ParseString(Profile));

    public ActorSystem System => _system;

    /// <summary>Speaks to an actor of a node.</summary>
    /// <param name="path">Below the node's guardian, as <c>user/router</c>.</param>
    /// <param name="sender">Said to be the sender; null: this system's.</param>
    public void Tell(LocalNode node, string path, object message, Way way, IActorRef? sender = null)
    {
        if (way == Way.Selection)
        {
            _system.ActorSelection($"{Root(node.Node.Id)}/{path}").Tell(message, sender ?? _system.DeadLetters);
        }
        else if (message is Akka.Dispatch.SysMsg.ISystemMessage command)
        {
            ((IInternalActorRef)Reference(node.Node.Id, path)).SendSystemMessage(command);
        }
        else
        {
            Reference(node.Node.Id, path).Tell(message, sender ?? _system.DeadLetters);
        }
    }

    public IActorRef Reference(NodeId node, string path) => ((ExtendedActorSystem)_system).Provider.ResolveActorRef($"{Root(node)}/{path}");

    public async ValueTask DisposeAsync() => await _system.Terminate();

    private static string Root(NodeId node) => $"akka.tcp://troupe@{node.Address}";

    public enum Way
    {
        Selection,
        Reference,
    }
}

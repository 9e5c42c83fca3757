using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Forwards;

/// <summary>Receives the one terminal reply of a forward. Called on any thread; must not block or throw.</summary>
public interface IForwardSink
{
    void Complete(ForwardReply reply);
}

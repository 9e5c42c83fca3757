using Troupe.Messages.Forwarding;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Forwards;

/// <summary>Receives the one terminal reply of a forward. Called on any thread; must not block or throw.</summary>
public interface IForwardSink
{
    /// <summary>Where outputs that come from a device of this node are on lease from, whoever receives them releasing each; null: replies
    /// own their bytes.</summary>
    HostMemory? LeasesFrom => null;

    void Complete(ForwardReply reply);
}

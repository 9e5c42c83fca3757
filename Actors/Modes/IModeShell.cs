using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What a mode directory's decisions ask of whoever carries them out.</summary>
internal interface IModeShell : IShell<ModeDecision>
{
    /// <summary>Tells the directory of another node.</summary>
    void Send(NodeId node, IModeDirectoryMessage message);

    /// <summary>Gives a request its one answer.</summary>
    void Answer(IReplyTo<ModeReply> asker, ModeReply reply);

    /// <summary>Tells one of the node's GPUs.</summary>
    void TellGpu(GpuId gpu, IGpuModesRequest request);

    /// <summary>Watches the actor at this path; its death ends what it owns.</summary>
    void Watch(string owner);

    void Unwatch(string owner);

    /// <summary>This member holds what we hold: work may pass between us.</summary>
    void Synchronized(NodeId peer);

    /// <summary>The node holds what the members it can reach hold, and may take its first work.</summary>
    void BecomeReady();
}

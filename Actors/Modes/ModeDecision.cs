using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What a mode directory has decided; its actor does it.</summary>
internal abstract record ModeDecision
{
    private ModeDecision() { }

    /// <summary>Tell the directory of another node.</summary>
    public sealed record Send(NodeId To, object Message) : ModeDecision;

    /// <summary>Give a request its one answer.</summary>
    public sealed record Answer(object ReplyTo, ModeReply Reply) : ModeDecision;

    /// <summary>Tell one of the node's GPUs.</summary>
    public sealed record TellGpu(GpuId Gpu, object Message) : ModeDecision;

    /// <summary>Watch the actor at this path; its death ends what it owns.</summary>
    public sealed record Watch(string Owner) : ModeDecision;

    public sealed record Unwatch(string Owner) : ModeDecision;

    /// <summary>This member holds what we hold: work may pass between us.</summary>
    public sealed record Synchronized(NodeId Peer) : ModeDecision;

    /// <summary>The node holds what the members it can reach hold, and may take its first work.</summary>
    public sealed record Ready : ModeDecision;
}

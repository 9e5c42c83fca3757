using Akka.Actor;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Modes;

/// <summary>Everything a mode directory knows, so that its actor can be restarted without forgetting.</summary>
internal sealed class ModeDirectoryState(ModeDirectoryCore core, List<ModeDecision> decisions)
{
    public ModeDirectoryCore Core { get; } = core;

    public List<ModeDecision> Decisions { get; } = decisions;

    public Dictionary<int, IActorRef> Gpus { get; } = [];

    public Dictionary<string, IActorRef> Owners { get; } = new(StringComparer.Ordinal);

    /// <summary>News of members that the router gets once they are synchronized, oldest first.</summary>
    public Dictionary<NodeId, List<object>> Announcements { get; } = [];
}

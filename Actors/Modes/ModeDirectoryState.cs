using System.Security.Cryptography;
using Akka.Actor;
using Troupe.Actors.Counts;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Modes;

/// <summary>Everything a mode directory knows, so that its actor can be restarted without forgetting.</summary>
/// <remarks><b>Owns</b> the core and what it has decided. <b>Thread</b> the directory's.</remarks>
internal sealed class ModeDirectoryState
{
    public ModeDirectoryState(
        NodeId self,
        NodeIncarnation incarnation,
        ModeDirectoryOptions options,
        ClusterViewHolder views,
        AuditLedger audit,
        VersionRules versions
    ) =>
        Core = new ModeDirectoryCore(
            self,
            incarnation,
            options,
            () => views.View,
            static () => new Guid(RandomNumberGenerator.GetBytes(16)),
            Decisions,
            audit,
            versions
        );

    public DecisionQueue<ModeDecision, IModeShell> Decisions { get; } = new();

    public ModeDirectoryCore Core { get; }

    public Dictionary<int, IActorRef> Gpus { get; } = [];

    public Dictionary<string, IActorRef> Owners { get; } = new(StringComparer.Ordinal);

    /// <summary>News of members that the router gets once they are synchronized, oldest first.</summary>
    public Dictionary<NodeId, List<IPeerNews>> Announcements { get; } = [];
}

using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Membership;

/// <summary>What a message from afar has to be to come in.</summary>
/// <remarks>Knows no Akka. A sender's address is text: the rules guard against accidents and strangers, not against one who speaks as a
/// member.</remarks>
internal static class DoorRules
{
    private static readonly DateTimeOffset Beginning = new(2020, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <param name="isTaken">The actor that it came to takes such messages from other nodes.</param>
    /// <param name="sender">Where it came from by its own word.</param>
    /// <returns>Null where it may come in.</returns>
    public static ForeignReason? WhyNot(object message, bool isTaken, NodeId sender, bool isMember, DateTimeOffset now) =>
        !isMember ? ForeignReason.NoMember
        : !isTaken ? ForeignReason.NotTaken
        : SpeakerOf(message) is { } speaker && speaker != sender ? ForeignReason.OtherNode
        : LatestIn(message) > LatestTime(now) ? ForeignReason.BeyondTime
        : null;

    /// <summary>The latest Lamport time that any cluster can have come to: a million events a second since 2020, or in twelve days where
    /// the clock of this machine is behind that. So whoever drives the time up to it has not stopped it: it grows faster than events do,
    /// and never comes near its end.</summary>
    public static long LatestTime(DateTimeOffset now) => Math.Max(1L << 40, (now - Beginning).Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>The node that a message says it is from; null where it says nothing.</summary>
    private static NodeId? SpeakerOf(object message) =>
        message switch
        {
            IModeDirectoryMessage said => said.From,
            NodeSnapshot said => said.Node,
            ResidencyPage said => said.Node,
            AskResidency said => said.From,
            AskModels said => said.From,
            AskConfiguration said => said.From,
            _ => null,
        };

    private static long LatestIn(object message) =>
        message switch
        {
            PrepareModeChange { Entry: { } entry } said => Math.Max(said.Time, LatestOf(entry)),
            CommitModeChange said => LatestOf(said.Time, said.Entries),
            ModePage said => LatestOf(said.Time, said.Entries),
            IModeDirectoryMessage said => said.Time,
            _ => 0,
        };

    private static long LatestOf(long time, ModeEntry[] entries) =>
        entries.Aggregate(time, (latest, entry) => Math.Max(latest, LatestOf(entry)));

    private static long LatestOf(ModeEntry entry) =>
        Math.Max(entry.Stamp.Time, Math.Max(entry.Lease?.Renewed.Time ?? 0, entry.End?.Time ?? 0));
}

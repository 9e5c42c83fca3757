using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>A question to this node's GPUs on behalf of a coordinator, until all have answered.</summary>
internal sealed class GpuRound(long number, NodeId coordinator, long change, bool isCommit, ModeScope scope, TimeSpan deadline)
{
    /// <summary>This node's number of the round, which its GPUs name in their answers.</summary>
    public long Number { get; } = number;

    public NodeId Coordinator { get; } = coordinator;

    /// <summary>The coordinator's number of its change, which the answer to it names.</summary>
    public long Change { get; } = change;

    /// <summary>The GPUs have to run under the change; false when they are only asked whether they would.</summary>
    public bool IsCommit { get; } = isCommit;

    public ModeScope Scope { get; } = scope;

    public TimeSpan Deadline { get; } = deadline;

    public HashSet<GpuId> Waiting { get; } = [];

    public List<GpuId> Answered { get; } = [];

    public List<ModeObjection> Objections { get; } = [];
}

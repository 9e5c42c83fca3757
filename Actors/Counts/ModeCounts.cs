using Troupe.Messages.Modes;

namespace Troupe.Actors.Counts;

/// <summary>How much holds in one directory: a copy for metrics.</summary>
/// <param name="Epoch">That of the modes in force.</param>
/// <param name="Cluster">Live baselines and entries that hold for the whole cluster.</param>
/// <param name="ModelOnGpu">Those for a model on a GPU, or on a node.</param>
/// <param name="Session">Those for a session, narrowed further or not.</param>
/// <param name="OpenSessions">Sessions that are open.</param>
public sealed record ModeCounts(long Epoch, int Cluster, int Node, int Gpu, int Model, int ModelOnGpu, int Session, int OpenSessions)
{
    public static ModeCounts None { get; } = new(0, 0, 0, 0, 0, 0, 0, 0);

    /// <summary>One more baseline, entry or session.</summary>
    internal ModeCounts With(ModeEntry entry) =>
        entry switch
        {
            { IsSession: true } => this with { OpenSessions = OpenSessions + 1 },
            { Scope.Session: not null } => this with { Session = Session + 1 },
            { Scope: { Model: not null, Gpu: null, Node: null } } => this with { Model = Model + 1 },
            { Scope.Model: not null } => this with { ModelOnGpu = ModelOnGpu + 1 },
            { Scope.Gpu: not null } => this with { Gpu = Gpu + 1 },
            { Scope.Node: not null } => this with { Node = Node + 1 },
            _ => this with { Cluster = Cluster + 1 },
        };
}

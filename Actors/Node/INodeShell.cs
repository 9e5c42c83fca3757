using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Routing;

namespace Troupe.Actors.Node;

/// <summary>What a node's decisions ask of whoever carries them out.</summary>
internal interface INodeShell : IShell<NodeDecision>
{
    /// <summary>Makes the group's next executor.</summary>
    void StartExecutor(ExecutorGroup group);

    /// <summary>Has the group's next executor started after a pause, by <see cref="Node.StartExecutor"/>.</summary>
    void StartExecutorLater(ExecutorGroup group, TimeSpan pause);

    void StopExecutor(ExecutorGroup group);

    /// <summary>Tells people that an executor has ended.</summary>
    void ReportLoss(ExecutorGroup group, ExecutorLost lost);

    void TellGpu(int ordinal, INodeToGpu message);

    void TellModels(DeviceGone gone);

    void TellRouter(OwnSnapshot own);
}

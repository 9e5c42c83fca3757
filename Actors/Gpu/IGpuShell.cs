using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU's decisions ask of whoever carries them out.</summary>
internal interface IGpuShell : IShell<GpuDecision>
{
    void TellExecutor(IExecutorRequest request);

    /// <summary>Sends an outcome straight to a forward's origin on another node.</summary>
    void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome);

    /// <summary>Gives the router of this node its credit back, with the outcome where it is the origin.</summary>
    void Release(GpuRelease release);

    void TellRouter(GpuReport report);

    void TellNode(IGpuNews news);

    void TellModels(IInstanceNews news);

    void AnswerModes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer);
}

using Troupe.Actors.Decisions;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Carries out a GPU's decisions by writing them down.</summary>
internal sealed class GpuRecorder : IGpuShell
{
    private readonly List<GpuDecision> _applied = [];

    public DecisionQueue<GpuDecision, IGpuShell> Queue { get; } = new();

    public Plant Plant { get; } = new();

    /// <summary>Told of a decision that threw.</summary>
    public Action<GpuDecision, Exception>? OnFailed { get; set; }

    /// <summary>Everything decided so far and not cleared.</summary>
    public List<GpuDecision> Applied
    {
        get
        {
            Queue.ApplyTo(this);
            return _applied;
        }
    }

    public void TellExecutor(IExecutorRequest request) => Note(GpuDecision.Executor(request));

    public void AnswerOrigin(IForwardOrigin origin, ForwardOutcome outcome) => Note(GpuDecision.Answer(origin, outcome));

    public void Release(GpuRelease release) => Note(GpuDecision.Release(release));

    public void TellRouter(GpuReport report) => Note(GpuDecision.Router(report));

    public void TellNode(IGpuNews news) => Note(GpuDecision.Node(news));

    public void TellModels(IInstanceNews news) => Note(GpuDecision.Models(news));

    public void AnswerModes(IReplyTo<IGpuModesAnswer> asker, IGpuModesAnswer answer) => Note(GpuDecision.Modes(asker, answer));

    public void Failed(in GpuDecision decision, Exception cause)
    {
        if (OnFailed is null)
        {
            throw new InvalidOperationException($"{decision.Action} failed.", cause);
        }

        OnFailed(decision, cause);
    }

    private void Note(GpuDecision decision)
    {
        Plant.Pass();
        _applied.Add(decision);
    }
}

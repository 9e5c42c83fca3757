using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Carries out an executor's decisions by writing them down.</summary>
internal sealed class ExecutorRecorder : IExecutorShell
{
    private readonly List<ExecutorDecision> _applied = [];

    public DecisionQueue<ExecutorDecision, IExecutorShell> Queue { get; } = new();

    /// <summary>Everything decided so far and not cleared.</summary>
    public List<ExecutorDecision> Applied
    {
        get
        {
            Queue.ApplyTo(this);
            return _applied;
        }
    }

    public void TellGpu(int ordinal, IExecutorNews news) => _applied.Add(new ExecutorDecision(ordinal, news));

    public void Failed(in ExecutorDecision decision, Exception cause) => throw new InvalidOperationException("It cannot fail.", cause);
}

using Troupe.Actors.Decisions;

namespace Troupe.Actors.Gpu;

/// <summary>A message from an executor to the GPU of one of its devices.</summary>
internal readonly record struct ExecutorDecision(int Ordinal, IExecutorNews Message) : IDecision<IExecutorShell>
{
    public void ApplyTo(IExecutorShell shell) => shell.TellGpu(Ordinal, Message);
}

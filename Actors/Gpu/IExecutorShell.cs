using Troupe.Actors.Decisions;

namespace Troupe.Actors.Gpu;

/// <summary>What an executor's decisions ask of whoever carries them out.</summary>
internal interface IExecutorShell : IShell<ExecutorDecision>
{
    void TellGpu(int ordinal, IExecutorNews news);
}

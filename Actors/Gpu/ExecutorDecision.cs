namespace Troupe.Actors.Gpu;

/// <summary>A message from an executor to the GPU of one of its devices.</summary>
internal readonly record struct ExecutorDecision(int Ordinal, object Message);

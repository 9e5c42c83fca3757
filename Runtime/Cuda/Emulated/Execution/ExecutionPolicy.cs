namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>When enqueued work of emulated devices runs.</summary>
internal enum ExecutionPolicy
{
    /// <summary>Serving: work runs at enqueue on the enqueuing thread.</summary>
    Inline,

    /// <summary>Tests: work runs later in a seeded random legal order; unordered conflicts fail.</summary>
    Deferred,

    /// <summary>Overlap tests: each device has a virtual clock, work takes its declared time.</summary>
    Timed,
}

namespace Troupe.Runtime.Cuda.Host;

/// <summary>One piece of queued work with everything it waits for.</summary>
internal sealed class WorkItem
{
    /// <summary>True once the work ran.</summary>
    public bool IsDone { get; set; }
}

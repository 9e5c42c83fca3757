namespace Troupe.Runtime.Artifacts.Records;

/// <summary>How an engine wants its scratch memory (torch_tensorrt: resource_allocation_strategy).</summary>
public enum ResourceAllocation
{
    Static = 0,
    Dynamic = 1,
}

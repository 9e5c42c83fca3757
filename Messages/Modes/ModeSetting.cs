namespace Troupe.Messages.Modes;

/// <summary>Names one field of <see cref="ModeSettings"/> and <see cref="ModeChange"/>; the values are their MessagePack keys.</summary>
public enum ModeSetting
{
    CudaGraphs = 0,
    PreAllocatedOutputs = 1,
    OutputAllocator = 2,
    MultiDeviceSafe = 3,
    Profile = 4,
    WeightBudget = 5,
    Workspace = 6,
    RuntimeSettings = 7,
    Profiling = 8,
}

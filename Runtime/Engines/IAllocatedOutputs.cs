namespace Troupe.Runtime.Engines;

/// <summary>The facet of execution contexts whose outputs can come from an allocator during the enqueue; engines that have it say
/// <see cref="EngineCapabilities.OutputAllocator"/>.</summary>
internal interface IAllocatedOutputs
{
    /// <summary>The output's memory comes from <paramref name="allocator"/> until it is given an address.</summary>
    void SetAllocator(int output, IOutputAllocator allocator);
}

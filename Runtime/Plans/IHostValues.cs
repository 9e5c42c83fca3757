namespace Troupe.Runtime.Plans;

/// <summary>The bytes of a forward's inputs in host memory, for those whose values decide shapes.</summary>
internal interface IHostValues
{
    /// <param name="input">In the module's order.</param>
    ReadOnlySpan<byte> Of(int input);
}

using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>The facet of execution contexts that read the values of some inputs on the host before the launch (TensorRT: shape
/// tensors).</summary>
internal interface IShapeValues
{
    /// <summary>Gives the values of a shape tensor; they are copied.</summary>
    /// <exception cref="ForwardException">The input is no shape tensor, or the active profile does not admit the values.</exception>
    void Set(int input, ReadOnlySpan<long> values);
}

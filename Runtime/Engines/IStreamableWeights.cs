using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>The facet of engines whose weights may stay on the host beyond a budget (TensorRT: weight streaming).</summary>
/// <remarks><b>Owns</b> the device memory of the weights that are resident. <b>Thread</b> as <see cref="IEngine"/>.</remarks>
internal interface IStreamableWeights
{
    /// <summary>Bytes of weights that may be streamed; more than 0.</summary>
    long Bytes { get; }

    /// <summary>The budget the engine would choose itself from the memory now free.</summary>
    long AutomaticBudget { get; }

    /// <summary>Bytes of streamable weights kept on the device.</summary>
    long Budget { get; }

    /// <summary>Changes the budget; no execution context exists meanwhile.</summary>
    /// <exception cref="ForwardException">They do not fit the device, or a context exists; the budget is as before.</exception>
    void SetBudget(long bytes);
}

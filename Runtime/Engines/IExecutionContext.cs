using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>Mutable state of an engine for one call at a time: profile, shapes, addresses, scratch.</summary>
/// <remarks>
/// Shaped like <c>nvinfer1::IExecutionContext</c>; tensors are named by their index in <see cref="IEngine.Inputs"/> and
/// <see cref="IEngine.Outputs"/>.
/// A call is: profile if it changes, shapes, <see cref="InferShapes"/>, addresses (or allocators), <see cref="Enqueue"/>. What did not
/// change since the last
/// call need not be set again. While a recorded graph holds an enqueue of this context, nothing here may be called but
/// <see cref="IDisposable.Dispose"/>, after the graph.
/// In steady state no member allocates managed memory. <b>Owns</b> its private device memory. <b>Thread</b> one at a time, device context
/// current.
/// <b>Blocks</b> never, except where a data-dependent output must be measured.
/// </remarks>
internal interface IExecutionContext : IDisposable
{
    int ActiveProfile { get; }

    /// <summary>Switches the profile, ordered on <paramref name="stream"/>; shapes must be set again.</summary>
    void SetProfile(int index, CuStream stream);

    /// <exception cref="ForwardException">The shape does not fit the input or the active profile.</exception>
    void SetInputShape(int input, in TensorShape shape);

    /// <summary>Gives the values of a shape tensor.</summary>
    void SetShapeValues(int input, ReadOnlySpan<long> values);

    /// <summary>Output shapes for the shapes and values set, -1 where they become known only by running.</summary>
    /// <exception cref="ForwardException">Not all inputs are set ("… cannot be inferred").</exception>
    void InferShapes(Span<TensorShape> outputs);

    /// <summary>Scratch bytes that the shapes now set need; 0 where the context keeps its own.</summary>
    long WorkspaceBytes { get; }

    void SetWorkspace(DevicePointer address, long bytes);

    /// <summary>Binds an input; never null, also for an empty tensor.</summary>
    void SetInputAddress(int input, DevicePointer address);

    /// <summary>Binds an output of known shape; its allocator, if it had one, is forgotten.</summary>
    void SetOutputAddress(int output, DevicePointer address);

    /// <summary>The output's memory comes from <paramref name="allocator"/> during the enqueue.</summary>
    void SetOutputAllocator(int output, IOutputAllocator allocator);

    /// <summary>Whether the next enqueue may be recorded (false with weights streamed from the host, data-dependent outputs …).</summary>
    bool CanCapture { get; }

    /// <summary>Puts one run on the stream. Failures while it runs go into the context's <see cref="FailureSlot"/>.</summary>
    /// <exception cref="ForwardException">Refused at once; nothing was enqueued.</exception>
    /// <exception cref="InvalidOperationException">Not every tensor is bound.</exception>
    void Enqueue(CuStream stream);

    /// <summary>Where layer times go from the next enqueue on; null stops. Only with
    /// <see cref="EngineCapabilities.LayerProfiling"/>.</summary>
    void SetProfiler(ILayerProfiler? profiler);
}

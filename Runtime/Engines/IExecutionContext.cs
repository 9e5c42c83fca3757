using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines;

/// <summary>Mutable state of an engine for one call at a time: shapes, addresses, and what its facets set.</summary>
/// <remarks>
/// Shaped like <c>nvinfer1::IExecutionContext</c>; tensors are named by their index in <see cref="IEngine.Inputs"/> and
/// <see cref="IEngine.Outputs"/>.
/// A call is: profile if it changes, shapes, <see cref="InferShapes"/>, addresses (or allocators), <see cref="Enqueue"/>. What did not
/// change since the last
/// call need not be set again. While a recorded graph holds an enqueue of this context, nothing here may be called but
/// <see cref="IDisposable.Dispose"/>, after the graph.
/// A facet is there or not for the context's whole life: it is looked up once, when the context is made.
/// In steady state no member allocates managed memory. <b>Owns</b> its private device memory. <b>Thread</b> one at a time, device context
/// current.
/// <b>Blocks</b> never, except where a data-dependent output must be measured or strings are read.
/// </remarks>
internal interface IExecutionContext : IDisposable
{
    /// <summary>Null where the context is on the one profile there is, or there is none.</summary>
    IContextProfiles? Profiles => null;

    /// <summary>Null where no input is a shape tensor.</summary>
    IShapeValues? ShapeValues => null;

    /// <summary>Null where the context has scratch memory of its own, or needs none.</summary>
    IContextWorkspace? Workspace => null;

    /// <summary>Null where outputs are written to addresses only.</summary>
    IAllocatedOutputs? AllocatedOutputs => null;

    /// <summary>Null where no tensor is of type BYTES.</summary>
    IHostStrings? Strings => null;

    /// <summary>Whether the next enqueue may be recorded (false with weights streamed from the host, data-dependent outputs …).</summary>
    bool CanCapture { get; }

    /// <exception cref="ForwardException">The shape does not fit the input or the active profile.</exception>
    void SetInputShape(int input, in TensorShape shape);

    /// <summary>Output shapes for the shapes and values set, -1 where they become known only by running.</summary>
    /// <exception cref="ForwardException">Not all inputs are set ("… cannot be inferred").</exception>
    void InferShapes(Span<TensorShape> outputs);

    /// <summary>Binds an input; never null, also for an empty tensor.</summary>
    void SetInputAddress(int input, DevicePointer address);

    /// <summary>Binds an output of known shape; its allocator, if it had one, is forgotten.</summary>
    void SetOutputAddress(int output, DevicePointer address);

    /// <summary>Gives back device memory that is kept between calls and can be had anew; no call is in flight.</summary>
    void GiveBackMemory() { }

    /// <summary>Puts one run on the stream. Failures while it runs go into the context's <see cref="FailureSlot"/>.</summary>
    /// <exception cref="ForwardException">Refused at once; nothing was enqueued.</exception>
    /// <exception cref="InvalidOperationException">Not every tensor is bound.</exception>
    void Enqueue(CuStream stream);
}

using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>One call at a time of an ONNX engine: shapes and addresses set by the lane, output shapes inferred where the model or an
/// earlier run tells them.</summary>
/// <remarks><b>Owns</b> its runs. <b>Thread</b> the lane's holder. <b>Blocks</b> only where outputs are measured: their sizes are known
/// when
/// the run is done.</remarks>
internal sealed class OnnxContext : IExecutionContext, IAllocatedOutputs, IHostStrings
{
    private readonly OnnxNetwork _network;
    private readonly OnnxCall _call;
    private readonly OnnxRuns _runs;
    private bool _isInferred;

    public OnnxContext(OnnxNetwork network, IManagedLauncher launcher, FailureSlot failure)
    {
        _network = network;
        _call = new OnnxCall(network.Inputs.Count, network.Outputs.Count);
        _runs = new OnnxRuns(network, _call, launcher, failure);
    }

    public IAllocatedOutputs? AllocatedOutputs => this;

    public IHostStrings? Strings => _network.HasStrings ? this : null;

    public bool CanCapture
    {
        get
        {
            Infer();
            return _call.KnowsOutputShapes;
        }
    }

    public void SetInputShape(int input, in TensorShape shape)
    {
        if (_call.HasInputShape(input, shape))
        {
            return;
        }

        EngineTensor tensor = _network.Inputs[input];
        if (!tensor.Admits(shape))
        {
            throw OnnxFailures.WrongShape(_network.Name, tensor, shape);
        }

        _call.SetInputShape(input, shape);
        _isInferred = false;
    }

    public void InferShapes(Span<TensorShape> outputs)
    {
        Infer();
        _call.OutputShapes.CopyTo(outputs);
    }

    public void SetInputAddress(int input, DevicePointer address) => _call.SetInputAddress(input, address);

    public void SetOutputAddress(int output, DevicePointer address) => _call.SetOutputAddress(output, address);

    public void SetAllocator(int output, IOutputAllocator allocator) => _call.Allocators[output] = allocator;

    public void SetInput(int input, ReadOnlyMemory<byte> strings) => _call.InputStrings[input] = strings;

    public void SetMost(int output, long bytes) => _call.MostStringBytes[output] = bytes;

    public ReadOnlyMemory<byte> RemoveOutput(int output)
    {
        ReadOnlyMemory<byte> made = _call.OutputStrings[output];
        _call.OutputStrings[output] = default;
        return made;
    }

    public void Enqueue(CuStream stream)
    {
        Infer();
        try
        {
            _isInferred &= _runs.Enqueue(stream);
        }
        catch
        {
            Array.Clear(_call.OutputStrings);
            throw;
        }
        finally
        {
            Array.Clear(_call.InputStrings);
        }
    }

    public void GiveBackMemory() => _runs.GiveBackMemory();

    public void Dispose() => _runs.Dispose();

    private void Infer()
    {
        if (_isInferred)
        {
            return;
        }

        if (_call.FirstWithoutShape is int input and >= 0)
        {
            throw OnnxFailures.NotInferable(_network.Name, _network.Inputs[input]);
        }

        // What is still open may be learned by another lane's run meanwhile, so it is asked again.
        _network.Shapes.Infer(_call.InputShapes, _call.OutputShapes);
        _isInferred = _call.KnowsOutputShapes;
    }
}

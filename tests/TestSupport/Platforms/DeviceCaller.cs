using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;

namespace Troupe.TestSupport.Platforms;

/// <summary>A caller that works on device tensors, on a stream of its own which the module treats as its device's default stream or as a
/// private one.</summary>
internal sealed class DeviceCaller : IDisposable
{
    private readonly LocalModule _module;
    private readonly DeviceContext _context;

    public DeviceCaller(Workbench bench, LocalModule module, bool direct = false)
        : this(bench.Driver, module, direct) { }

    public DeviceCaller(ICudaDriver driver, LocalModule module, bool direct = false)
    {
        _module = module;
        _context = DeviceContext.Retain(driver, module.Instance.HomeOrdinal);
        Stream = DeviceStream.Create(_context);
        Caller = direct ? CallerStream.Direct(Stream) : CallerStream.Joined(Stream);
    }

    public DeviceStream Stream { get; }

    public CallerStream Caller { get; }

    /// <summary>One forward; the only output.</summary>
    public DeviceTensor Call(params Tensor[] inputs)
    {
        DeviceTensor[] uploaded = [.. inputs.Select(input => _module.Upload(input, Stream))];
        DeviceTensor[] outputs = Call(uploaded);
        Array.ForEach(uploaded, input => input.Return());
        return outputs[0];
    }

    public DeviceTensor[] Call(params DeviceTensor[] inputs)
    {
        var outputs = new DeviceTensor[_module.Spec.Outputs.Count];
        _module.Forward(inputs, outputs, Caller);
        return outputs;
    }

    public DeviceTensor Upload(Tensor tensor) => _module.Upload(tensor, Stream);

    public float[] Floats(in DeviceTensor tensor) => MemoryMarshal.Cast<byte, float>(_module.Download(tensor, Stream)).ToArray();

    public void Dispose()
    {
        using (_context.Enter())
        {
            Stream.Synchronize();
        }

        Stream.Dispose();
        _context.Dispose();
    }
}

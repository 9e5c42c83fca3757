using Troupe.Runtime.Cuda;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Where every tensor lies on every device of a lane: in the forward under way, or for good in a recording.</summary>
/// <remarks><b>Thread</b> the lane's holder.</remarks>
internal sealed class TensorAddresses
{
    private readonly ModuleLayout _module;
    private readonly Table<DeviceIndex, Table<TensorIndex, DevicePointer>> _addresses;

    public TensorAddresses(ModuleLayout module)
    {
        _module = module;
        _addresses = new(module.DeviceCount);
        foreach (DeviceIndex device in _addresses.Indices)
        {
            _addresses[device] = new(module.Graph.Tensors.Count);
        }
    }

    /// <summary>By tensor: where it lies on this device; null where it does not.</summary>
    public Table<TensorIndex, DevicePointer> On(DeviceIndex device) => _addresses[device];

    public void Clear()
    {
        foreach (DeviceIndex device in _addresses.Indices)
        {
            Array.Clear(_addresses[device].Items);
        }
    }

    /// <summary>Outputs that a segment writes in place lie where their input lies, on the segment's device.</summary>
    public void BindInPlace(SegmentIndex segment)
    {
        if (!_module.WritesInPlace(segment))
        {
            return;
        }

        Table<TensorIndex, DevicePointer> addresses = _addresses[_module.DeviceOf(segment)];
        foreach (TensorIndex tensor in _module.Graph.Segments[segment].Outputs)
        {
            if (!_module.HasOwnMemory(tensor))
            {
                addresses[tensor] = addresses[_module.RootOf(tensor)];
            }
        }
    }
}

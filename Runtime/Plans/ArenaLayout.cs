using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Plans;

/// <summary>Where the tensors of a unit lie in one allocation per device: what a lane's arenas hold between its segments, and what a
/// recording holds for good.</summary>
/// <remarks>Immutable. A tensor has a place on each device it is needed on.</remarks>
internal sealed class ArenaLayout
{
    private const ulong Alignment = 256;
    private const ulong Nowhere = ulong.MaxValue;

    private readonly Table<DeviceIndex, Table<TensorIndex, ulong>> _offsets;
    private readonly Table<DeviceIndex, ulong> _bytes;

    private ArenaLayout(ModuleLayout module)
    {
        _offsets = new(module.DeviceCount);
        _bytes = new(module.DeviceCount);
        foreach (DeviceIndex device in _offsets.Indices)
        {
            _offsets[device] = new(module.Graph.Tensors.Count);
            Array.Fill(_offsets[device].Items, Nowhere);
        }
    }

    /// <summary>Places for what lies between the segments: inputs are where the caller has them, outputs in blocks the caller will
    /// own.</summary>
    public static ArenaLayout BetweenSegments(ModuleLayout module, ForwardShapes shapes) =>
        Of(module, module.Whole, shapes, isRecording: false);

    /// <summary>Places for everything a recording touches, but for inputs that are written in place: those lie where the caller has
    /// them.</summary>
    public static ArenaLayout OfRecording(ModuleLayout module, LaunchUnit unit, ForwardShapes shapes) =>
        Of(module, unit, shapes, isRecording: true);

    public ulong BytesOn(DeviceIndex device) => _bytes[device];

    /// <summary>A tensor's place on a device; false where it has none.</summary>
    public bool TryFind(DeviceIndex device, TensorIndex tensor, out ulong offset)
    {
        offset = _offsets[device][tensor];
        return offset != Nowhere;
    }

    private static ArenaLayout Of(ModuleLayout module, LaunchUnit unit, ForwardShapes shapes, bool isRecording)
    {
        var layout = new ArenaLayout(module);
        foreach (TensorIndex tensor in isRecording ? unit.Inputs : [])
        {
            if (!module.Graph.Tensors[tensor].IsAliased)
            {
                layout.Place(unit.Device, tensor, shapes);
            }
        }

        foreach (SegmentIndex segment in unit.Segments)
        {
            DeviceIndex device = module.DeviceOf(segment);
            foreach (TensorIndex tensor in module.Graph.Segments[segment].Inputs)
            {
                if (unit.OriginOf(tensor) != device)
                {
                    layout.Place(device, tensor, shapes);
                }
            }

            foreach (TensorIndex tensor in module.Graph.Segments[segment].Outputs)
            {
                if (module.HasOwnMemory(tensor) && (isRecording || !module.IsHandedOver(tensor)))
                {
                    layout.Place(device, tensor, shapes);
                }
            }
        }

        return layout;
    }

    private void Place(DeviceIndex device, TensorIndex tensor, ForwardShapes shapes)
    {
        if (_offsets[device][tensor] == Nowhere)
        {
            _offsets[device][tensor] = _bytes[device];
            _bytes[device] += ByteAlignment.Up(Math.Max(shapes.BytesOf(tensor), 1), Alignment);
        }
    }
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Graphs;

/// <summary>The memory that one recording touches: staging for inputs, what lies between, copies for other devices, and outputs.</summary>
/// <remarks>Aliased inputs have no staging: they are bound where the caller has them. <b>Owns</b> one allocation per device. <b>Thread</b>
/// the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class GraphStaging : IDisposable
{
    private readonly ModuleLayout _module;
    private readonly GraphKey _key;
    private readonly Table<DeviceIndex, LaneDevice> _devices;
    private readonly Table<DeviceIndex, DeviceArena> _arenas;

    public GraphStaging(ModuleLayout module, GraphKey key, Table<DeviceIndex, LaneDevice> devices)
    {
        _module = module;
        _key = key;
        _devices = devices;
        _arenas = new([.. devices.Items.Select(device => new DeviceArena(device.Pool, "The static buffers of a graph"))]);
        Addresses = new TensorAddresses(module);
    }

    public TensorAddresses Addresses { get; }

    private LaneDevice Home => _devices[_key.Unit.Device];

    /// <summary>Allocates it and gives every tensor its address.</summary>
    /// <exception cref="ForwardException">A device is full.</exception>
    public void Make()
    {
        ArenaLayout layout = ArenaLayout.OfRecording(_module, _key.Unit, _key.Shapes);
        foreach (DeviceIndex device in _devices.Indices)
        {
            _arenas[device].Ensure(layout.BytesOn(device));
            Table<TensorIndex, DevicePointer> addresses = Addresses.On(device);
            foreach (TensorIndex tensor in addresses.Indices)
            {
                if (layout.TryFind(device, tensor, out ulong offset))
                {
                    addresses[tensor] = _arenas[device].Start + offset;
                }
            }
        }

        BindAliased();
    }

    public void FillWithZeros()
    {
        foreach (DeviceIndex device in _devices.Indices)
        {
            if (_arenas[device].Bytes > 0)
            {
                using ContextEntry entry = _devices[device].Context.Enter();
                _devices[device].Own.Fill(_arenas[device].Start, 0, _arenas[device].Bytes);
            }
        }
    }

    /// <summary>Binds the caller's own aliased tensors.</summary>
    public void BindAliased() => Bind(_key.AliasedAddresses);

    /// <summary>Warm-ups must not write the caller's aliased tensors: they get copies.</summary>
    public void BindScratch(DeviceStream stream, List<DeviceBlock> scratch)
    {
        var addresses = new DevicePointer[_key.Aliased.Length];
        for (int index = 0; index < addresses.Length; index++)
        {
            ulong bytes = _key.Shapes.BytesOf(_key.Aliased[index]);
            DeviceBlock block = Home.Pool.Rent(bytes, stream);
            scratch.Add(block);
            addresses[index] = block.Pointer;
            Copy(block.Pointer, _key.AliasedAddresses[index], bytes, stream, _key.Unit.Device);
        }

        Bind(addresses);
    }

    /// <summary>Puts a forward's tensors that lie nowhere yet into the staging: inputs of the module, and with or without those of its
    /// outputs that the caller takes, what the unit makes.</summary>
    /// <remarks>Not what another unit writes in place, whose recording is known by the address.</remarks>
    public void Claim(TensorAddresses forward, bool withOutputs)
    {
        LaunchUnit unit = _key.Unit;
        Table<TensorIndex, DevicePointer> given = forward.On(DeviceIndex.Home);
        foreach (TensorIndex tensor in unit.Device == DeviceIndex.Home ? unit.Inputs : [])
        {
            if (_module.Graph.Tensors[tensor].Producer is null && given[tensor].IsNull)
            {
                given[tensor] = Addresses.On(DeviceIndex.Home)[tensor];
            }
        }

        foreach (TensorIndex tensor in unit.Outputs)
        {
            if ((withOutputs || !_module.IsHandedOver(tensor)) && (unit.IsWholeModule || !_module.Graph.Tensors[tensor].IsAliased))
            {
                forward.On(unit.OriginOf(tensor))[tensor] = Addresses.On(unit.OriginOf(tensor))[tensor];
            }
        }
    }

    /// <summary>Copies a forward's inputs into the staging.</summary>
    public void CopyIn(DeviceStream stream, Table<TensorIndex, DevicePointer> given)
    {
        DeviceIndex device = _key.Unit.Device;
        foreach (TensorIndex tensor in _key.Unit.Inputs)
        {
            if (!_module.Graph.Tensors[tensor].IsAliased)
            {
                Copy(Addresses.On(device)[tensor], given[tensor], _key.Shapes.BytesOf(tensor), stream, device);
            }
        }
    }

    /// <summary>Copies the outputs to where a forward wants them.</summary>
    public void CopyOut(DeviceStream stream, TensorAddresses wanted)
    {
        foreach (TensorIndex tensor in _key.Unit.Outputs)
        {
            DeviceIndex device = _key.Unit.OriginOf(tensor);
            if (device != _key.Unit.Device)
            {
                // An output's block is lent in the order of its own device.
                _devices[device].Marker.Record(_devices[device].Stream);
                stream.WaitFor(_devices[device].Marker);
            }

            Copy(wanted.On(device)[tensor], Addresses.On(device)[tensor], _key.Shapes.BytesOf(tensor), stream, device);
        }
    }

    public void Dispose()
    {
        foreach (DeviceArena arena in _arenas.Items)
        {
            arena.Dispose();
        }
    }

    private void Bind(ReadOnlySpan<DevicePointer> aliased)
    {
        for (int index = 0; index < aliased.Length; index++)
        {
            Addresses.On(_key.Unit.Device)[_key.Aliased[index]] = aliased[index];
        }

        foreach (SegmentIndex segment in _key.Unit.Segments)
        {
            Addresses.BindInPlace(segment);
        }
    }

    private void Copy(DevicePointer to, DevicePointer from, ulong bytes, DeviceStream stream, DeviceIndex device)
    {
        if (bytes == 0 || to == from)
        {
            return;
        }

        if (device == _key.Unit.Device)
        {
            stream.CopyOnDevice(to, from, bytes);
        }
        else
        {
            _devices[device].CopyHere(to, from, _devices[device].Context, bytes, stream);
        }
    }
}

using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>Everything about the forward under way that changes from one to the next, in one object that the lane uses again.</summary>
/// <remarks><b>Owns</b> the blocks borrowed for the forward, until it ends. <b>Thread</b> the lane's holder. <b>Blocks</b> never.</remarks>
internal sealed class ForwardFrame(ModuleLayout layout)
{
    private readonly List<DeviceBlock> _borrowed = [];

    /// <summary>Of the module's inputs.</summary>
    public TensorShape[] InputShapes { get; } = new TensorShape[layout.Graph.Inputs.Length];

    public ModeSettings Settings { get; private set; } = ModeSettings.Default;

    /// <summary>What is known of the tensors' shapes.</summary>
    public ForwardShapes Shapes { get; private set; } = null!;

    /// <summary>Null where shapes depend on data: no later forward finds this one's.</summary>
    public ForwardPlan? Plan { get; private set; }

    public TensorAddresses Addresses { get; } = new(layout);

    /// <summary>Tensors of type BYTES, each string behind its length: inputs as the caller has them, outputs as their segments made
    /// them.</summary>
    public Table<TensorIndex, ReadOnlyMemory<byte>> Strings { get; } = new(layout.Graph.Tensors.Count);

    /// <summary>Most bytes that the strings of a tensor may take; negative where nobody reads them.</summary>
    public Table<TensorIndex, long> MostStringBytes { get; } = new([.. layout.Graph.Tensors.Items.Select(_ => (long)Array.MaxLength)]);

    public Table<TensorIndex, TensorPlace> Places { get; } = new(layout.Graph.Tensors.Count);

    /// <summary>An output lies in the pre-allocated set made before.</summary>
    public bool ReusesSet { get; set; }

    public void Begin(ForwardShapes shapes, ForwardPlan? plan, ModeSettings settings)
    {
        Shapes = shapes;
        Plan = plan;
        Settings = settings;
        ReusesSet = false;
        Addresses.Clear();
    }

    /// <summary>A block for this forward alone; it goes back when the forward ends.</summary>
    public DeviceBlock Borrow(BlockPool pool, ulong bytes, DeviceStream order)
    {
        DeviceBlock block = pool.Rent(bytes, order);
        _borrowed.Add(block);
        return block;
    }

    /// <summary>The caller owns a block from now on.</summary>
    public void HandOver(DeviceBlock block) => _borrowed.Remove(block);

    /// <summary>Gives back what is still borrowed, to be used again behind the lane's streams.</summary>
    public void End()
    {
        foreach (DeviceBlock block in _borrowed)
        {
            block.Return(block.Generation);
        }

        _borrowed.Clear();
        Array.Clear(Places.Items);
        Plan = null;
        if (layout.HasStrings)
        {
            Array.Clear(Strings.Items);
            Array.Fill(MostStringBytes.Items, Array.MaxLength);
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>A lane's pre-allocated outputs: one block per output, for the shapes of the plan it was made for.</summary>
/// <remarks>
/// The first forward gets fresh outputs, after which the set is made; later ones of the same plan get the set's blocks, overwritten each
/// time, and earlier views
/// of them go stale. Outputs of an unowned segment leave the set when they are handed out, and are replaced.
/// <b>Owns</b> the blocks in it. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class OutputSet(int tensors)
{
    private readonly Table<TensorIndex, DeviceBlock?> _blocks = new(tensors);
    private ForwardPlan? _plan;

    /// <summary>Blocks it holds.</summary>
    public int Count => _blocks.Items.Count(block => block is not null);

    /// <summary>The set's block for an output, if the set is for this plan.</summary>
    public DeviceBlock? Find(ForwardPlan plan, TensorIndex tensor) => ReferenceEquals(plan, _plan) ? _blocks[tensor] : null;

    /// <summary>A forward is about to be launched that overwrites this block if the set has it: earlier views of it go stale.</summary>
    public void Overwrite(TensorIndex tensor, DeviceBlock block)
    {
        if (ReferenceEquals(block, _blocks[tensor]))
        {
            block.Generation++;
        }
    }

    /// <summary>After a forward: sees to it that the next one of this plan finds a block.</summary>
    /// <param name="given">The block this forward's output lies in.</param>
    /// <param name="isUnowned">The caller keeps that block; it is not overwritten.</param>
    /// <param name="stream">Its order covers everything of the forward, which may read what a set of another plan holds.</param>
    public void Prepare(ForwardPlan plan, TensorIndex tensor, DeviceBlock given, bool isUnowned, BlockPool pool, DeviceStream stream)
    {
        if (!ReferenceEquals(plan, _plan))
        {
            if (!TryContinue(stream))
            {
                // One of its streams is being recorded on: the set stays as it is, and the next forward tries again.
                return;
            }

            Clear();
            _plan = plan;
        }

        DeviceBlock? kept = _blocks[tensor];
        if (ReferenceEquals(kept, given) && !isUnowned)
        {
            return;
        }

        if (ReferenceEquals(kept, given))
        {
            given.IsKept = false;
            _blocks[tensor] = kept = null;
        }

        if (kept is null && TryRent(pool, plan.Shapes.BytesOf(tensor), stream) is { } made)
        {
            made.IsKept = true;
            _blocks[tensor] = made;
        }
    }

    /// <summary>Puts a stream behind every use of the blocks, to be given back in its order; false where that cannot be done now. Whoever
    /// wants one whose stream is gone asks the device first, which covers every use too.</summary>
    private bool TryContinue(DeviceStream stream)
    {
        foreach (DeviceBlock? block in _blocks.Items)
        {
            if (block is { Stream.IsDisposed: false } && !block.Pool.TryContinue(block, stream))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Null where the device is full: this forward is done and has its outputs, and the next one asks again.</summary>
    private static DeviceBlock? TryRent(BlockPool pool, ulong bytes, DeviceStream stream)
    {
        try
        {
            return pool.Rent(bytes, stream);
        }
        catch (ForwardException full) when (full.Kind == FailureKind.OutOfDeviceMemory)
        {
            return null;
        }
    }

    /// <summary>Gives every block back; what the lane has enqueued is done, or behind the streams of the blocks.</summary>
    public void Clear()
    {
        foreach (ref DeviceBlock? block in _blocks.Items.AsSpan())
        {
            if (block is not null)
            {
                block.IsKept = false;
                block.Return(block.Generation);
                block = null;
            }
        }

        _plan = null;
    }
}

using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Memory;

/// <summary>Idle blocks that came back when their stream was gone, behind which nothing can be ordered: only the device can say that it is
/// done with them, which has to be waited for.</summary>
/// <remarks><b>Thread</b> under the allocator's lock. <b>Blocks</b> never.</remarks>
internal sealed class LostBlocks(IdleBlocks idle, LastUses uses, IBlockWatcher? watcher)
{
    public ulong Bytes
    {
        get
        {
            ulong bytes = 0;
            foreach (DeviceBlock block in idle.All)
            {
                bytes += block.LastUse is { IsLost: true } ? block.Capacity : 0;
            }

            return bytes;
        }
    }

    /// <summary>Their last uses, held so that they can be waited for without the lock; whoever asks lets them go.</summary>
    public LastUse[] Hold()
    {
        LastUse[] lost = [.. idle.All.Select(block => block.LastUse).OfType<LastUse>().Where(use => use.IsLost).Distinct()];
        Array.ForEach(lost, static use => LastUses.Hold(use));
        return lost;
    }

    /// <summary>The device is done with these.</summary>
    public void End(LastUse[] over)
    {
        foreach (DeviceBlock block in idle.All)
        {
            if (block.LastUse is { } use && Array.IndexOf(over, use) >= 0)
            {
                uses.LetGo(use);
                block.LastUse = null;
                if (block.IsReturnUntold)
                {
                    block.IsReturnUntold = false;
                    watcher?.BlockReturned(block.Pointer, block.Bytes, default);
                }
            }
        }
    }
}

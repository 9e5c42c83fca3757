using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Finds the next block of one device, in the order that <see cref="BlockFacts.Choose"/> says.</summary>
/// <remarks><b>Thread</b> under the allocator's lock. <b>Blocks</b> where slabs are freed: the driver may wait for the device.</remarks>
internal sealed class BlockSearch(DeviceContext device, MemoryAccount account, IdleBlocks idle, Slabs slabs, LostBlocks lost)
{
    /// <summary>Where the next block comes from, and the block, unless somebody has to be asked first; one in flight that is wanted without
    /// a stream is the first of those to wait for.</summary>
    /// <param name="mayAsk">There is a holder that has not been asked.</param>
    /// <param name="isDeviceAsked">It has just been asked about what is lost.</param>
    /// <exception cref="ForwardException">The device's memory is full.</exception>
    public BlockSource Find(in WantedBlock wanted, bool mayAsk, bool isDeviceAsked, out DeviceBlock? found)
    {
        bool isWhole = wanted.IsWhole || account.SeparateBlocks;
        ulong size = wanted.Size;
        bool isPossible = size <= account.Budget,
            isFull = false,
            isJoined = false;
        slabs.KeepIdleBounded();
        while (true)
        {
            DeviceBlock? own = isWhole ? null : idle.FindOwn(size, wanted.Stream),
                over = isWhole || own is not null ? null : idle.FindOver(size);
            found = own ?? over;
            if (found is null && !isJoined)
            {
                isJoined = true;
                if (slabs.Join())
                {
                    continue;
                }
            }

            bool isNew = found is null && isPossible;
            DeviceBlock? run = isNew && !isWhole ? idle.FindRun(size) : null;
            var facts = new BlockFacts(
                own is not null,
                over is not null,
                FitsBudget: isNew && !isFull && account.Admits(size),
                HasIdle: isNew && slabs.HasFree,
                HasHolders: isNew && mayAsk,
                HasLost: isNew && !isDeviceAsked && lost.Bytes > 0,
                InFlight: run is not null
            );
            BlockSource from = facts.Choose();
            switch (from)
            {
                case BlockSource.New when slabs.TryMake(size, isWhole) is { } slab:
                    found = slab.First;
                    return from;
                case BlockSource.New:
                    isFull = true;
                    break;
                case BlockSource.NewForIdle:
                    slabs.FreeFor(size);
                    isFull = false;
                    break;
                case BlockSource.InFlight:
                    found = wanted.Stream is { } stream ? idle.PutBehind(run!, size, stream) : run;
                    return from;
                case BlockSource.Refused:
                    throw DeviceMemoryShortage.Of(device, account, wanted);
                default:
                    return from;
            }
        }
    }
}

using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Memory;

/// <summary><see cref="IdleBlocks"/>: pieces of a slab always make it up, however they are split and joined.</summary>
public sealed class IdleBlocksTests
{
    private const ulong SlabBytes = 64 * IdleBlocks.Granule;

    [Fact]
    public void Pieces_lie_one_behind_the_other_and_are_one_again_when_all_are_back()
    {
        for (int seed = 1; seed <= 20; seed++)
        {
            using var stage = new MemoryStage();
            using var uses = new LastUses(stage.Device);
            var idle = new IdleBlocks(uses);
            using var slab = new Slab(DeviceBuffer.Allocate(stage.Device, SlabBytes), isWhole: false);
            idle.Add(slab);
            var random = new Random(seed);
            var taken = new List<DeviceBlock>();
            for (int step = 0; step < 300; step++)
            {
                ulong size = (ulong)random.Next(1, 20) * IdleBlocks.Granule;
                if (random.Next(2) == 0 && idle.FindOver(size) is { } found)
                {
                    idle.Take(found, size);
                    Assert.Equal((size, false), (found.Capacity, found.IsIdle));
                    taken.Add(found);
                }
                else if (taken.Count > 0)
                {
                    DeviceBlock back = taken[random.Next(taken.Count)];
                    taken.Remove(back);
                    back.LastUse = random.Next(2) == 0 ? uses.Mark(stage.Streams[random.Next(3)]) : null;
                    idle.Add(back);
                }

                if (random.Next(10) == 0)
                {
                    idle.Join([slab]);
                }

                Check(slab, idle, taken);
            }

            taken.ForEach(idle.Add);
            idle.Join([slab]);
            Assert.True(slab.IsFree);
            Assert.Equal(SlabBytes, Assert.Single(idle.All).Capacity);
            idle.Forget(slab.First);
        }
    }

    private static void Check(Slab slab, IdleBlocks idle, List<DeviceBlock> taken)
    {
        ulong next = 0;
        int pieces = 0;
        DeviceBlock? before = null;
        for (DeviceBlock? block = slab.First; block is not null; (before, block) = (block, block.After))
        {
            Assert.Equal((next, slab.Start + next, before), (block.Offset, block.Pointer, block.Before));
            Assert.Equal(block.IsIdle, !taken.Contains(block));
            next += block.Capacity;
            pieces++;
        }

        Assert.Equal((SlabBytes, idle.All.Count + taken.Count), (next, pieces));
        Assert.Equal(idle.All.Select(block => block.Capacity).Order(), idle.All.Select(block => block.Capacity));
    }
}

using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Memory;

/// <summary>Where the next block comes from, as a table over everything that can be known.</summary>
public sealed class BlockOrderTests
{
    [Fact]
    public void The_first_source_that_has_a_block_gives_it_whatever_the_later_ones_have()
    {
        BlockSource[] order = Enum.GetValues<BlockSource>();
        Assert.Equal(
            [
                BlockSource.OwnStream,
                BlockSource.Over,
                BlockSource.New,
                BlockSource.NewForIdle,
                BlockSource.Holders,
                BlockSource.Lost,
                BlockSource.InFlight,
                BlockSource.Refused,
            ],
            order
        );
        for (int known = 0; known < 1 << 7; known++)
        {
            bool Has(int source) => (known & (1 << source)) != 0;
            var facts = new BlockFacts(Has(0), Has(1), Has(2), Has(3), Has(4), Has(5), Has(6));
            BlockSource expected = (BlockSource)Enumerable.Range(0, 8).First(source => source == 7 || Has(source));
            Assert.Equal((known, expected), (known, facts.Choose()));
        }
    }
}

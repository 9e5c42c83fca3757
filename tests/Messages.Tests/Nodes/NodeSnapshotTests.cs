using Troupe.Messages.Nodes;

namespace Troupe.Messages.Tests.Nodes;

/// <summary>What a node tells of its devices travels as numbers that keep their meaning.</summary>
public sealed class NodeSnapshotTests
{
    [Theory]
    [InlineData(GpuHealth.Starting, 1)]
    [InlineData(GpuHealth.Ready, 2)]
    [InlineData(GpuHealth.Rebuilding, 3)]
    [InlineData(GpuHealth.Quarantined, 4)]
    [InlineData(GpuHealth.Draining, 5)]
    public void A_health_keeps_its_number(GpuHealth health, int number) => Assert.Equal(number, (int)health);
}

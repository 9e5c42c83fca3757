using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Tests.Startup;

/// <summary>Devices as the operator asked for them.</summary>
public sealed class DeviceOpeningTests
{
    [Theory]
    [InlineData(null, 2L << 30)]
    [InlineData(64L << 20, 64L << 20)]
    public void An_emulated_device_has_the_memory_it_was_given_and_all_of_it_is_the_budget(long? given, long expected)
    {
        using IPlatform platform = DeviceOpening.Open(
            new DeviceChoice(DeviceKind.Emulated, 1),
            given,
            separateBlocks: false,
            repositories: [],
            out string? remark
        );
        Assert.Null(remark);
        Assert.Equal(expected, Assert.Single(platform.Devices).MemoryBytes);
        using IDeviceGroup group = platform.OpenGroup(0);
        Assert.Equal((expected, expected), (group.Memory(0).TotalBytes, group.Memory(0).Counts.Budget));
    }
}

using Troupe.Messages.Failures;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>Instance groups name devices, and how many lanes the model has on each.</summary>
public sealed class InstancePlacementTests
{
    [Theory]
    [InlineData("", "ee", null)]
    [InlineData("instance_group { }", "ee", "0:1 1:1")]
    [InlineData("instance_group { count: 3 }", "ee", "0:3 1:3")]
    [InlineData("instance_group { count: 3 gpus: 1 }", "eee", "1:3")]
    [InlineData("instance_group { gpus: [0, 0, 2] } instance_group { count: 4 gpus: 2 kind: KIND_GPU }", "eee", "0:1 2:5")]
    [InlineData("instance_group { kind: KIND_CPU count: 2 }", "ceec", "1:2 2:2")]
    [InlineData("instance_group { kind: KIND_GPU }", "cec", "0:1 2:1")]
    [InlineData("instance_group { kind: KIND_MODEL }", "ce", "0:1 1:1")]
    [InlineData("instance_group { count: 64 } instance_group { count: 64 }", "e", "0:64")]
    public void Groups_become_devices_and_lanes(string given, string devices, string? expected) =>
        Assert.Equal(expected, Of(given, devices) is { } lanes ? string.Join(' ', lanes.Select(lane => $"{lane.Key}:{lane.Value}")) : null);

    [Theory]
    [InlineData("instance_group { count: 0 }", "e", "instance group 'm_0' of model 'm' has count 0: give 1 to 64")]
    [InlineData("instance_group { count: -1 }", "e", "has count -1")]
    [InlineData(
        "instance_group { } instance_group { name: 'b' count: 1000000000 }",
        "e",
        "instance group 'b' of model 'm' has count 1000000000"
    )]
    [InlineData("instance_group { gpus: 2 }", "ee", "specifies invalid or unsupported gpu id 2. GPUs here: 0, 1.")]
    [InlineData("instance_group { gpus: -1 }", "ee", "specifies invalid or unsupported gpu id -1.")]
    [InlineData("instance_group { kind: KIND_GPU gpus: 1 }", "ce", "specifies invalid or unsupported gpu id 1. GPUs here: 0.")]
    [InlineData("instance_group { kind: KIND_CPU gpus: 0 }", "e", "has kind KIND_CPU but specifies one or more GPUs")]
    [InlineData("instance_group { kind: KIND_CPU }", "c", "no emulated device is here")]
    [InlineData("instance_group { secondary_devices { kind: KIND_NVDLA } }", "e", "names secondary_devices")]
    public void What_cannot_be_had_is_refused(string given, string devices, string problem)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Of(given, devices));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "e", "m KIND_CPU 2 []")]
    [InlineData("", "cc", "m KIND_GPU 2 [0,1]")]
    [InlineData("instance_group { kind: KIND_CPU }", "e", "m_0 KIND_CPU 1 []")]
    [InlineData("instance_group { name: 'a' gpus: 1 count: 3 } instance_group { }", "cc", "a KIND_GPU 3 [1]; m_1 KIND_GPU 1 [0,1]")]
    public void Groups_are_shown_as_Triton_completes_them(string given, string devices, string expected)
    {
        ModelConfig config = TextFormatReaderTests.Read(given);
        InstanceDefaults.Complete(config, "m", Devices(devices), lanes: 2);
        Assert.Equal(
            expected,
            string.Join(
                "; ",
                config.InstanceGroup.Select(group =>
                    $"{group.Name} KIND_{group.Kind.ToString().ToUpperInvariant()} {group.Count} [{string.Join(',', group.Gpus)}]"
                )
            )
        );
    }

    private static IReadOnlyDictionary<int, int>? Of(string given, string devices) =>
        InstancePlacement.Of("m", TextFormatReaderTests.Read(given).InstanceGroup, Devices(devices));

    /// <param name="kinds">A letter each: c for CUDA, e for emulated.</param>
    private static DeviceDescription[] Devices(string kinds) =>
        [.. kinds.Select((kind, ordinal) => new DeviceDescription(ordinal, "device", kind == 'e', 9, 0, 1 << 30))];
}

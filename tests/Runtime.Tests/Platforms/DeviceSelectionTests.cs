using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Platforms;

public sealed class DeviceSelectionTests
{
    private static readonly DeviceDescription[] Machine =
    [
        new(0, "A", false, 8, 6, 1),
        new(1, "B", false, 9, 0, 1),
        new(2, "B", false, 9, 0, 1),
        new(3, "B", false, 9, 0, 1),
        new(4, "C", false, 7, 5, 1),
    ];

    [Theory, Trait("row", "MD-05")]
    [InlineData("B", 9, 0, 2, false, 3, 3)]
    [InlineData("B", 9, 0, 2, false, null, 2)]
    [InlineData("B", 9, 0, 0, false, 0, 1)]
    [InlineData("renamed", 8, 6, 7, false, 1, 0)]
    [InlineData("B", 9, 0, 9, true, 0, 0)]
    [InlineData("B", 9, 0, 9, true, 4, 0)]
    public void The_current_device_then_the_recorded_then_the_first(
        string name,
        int major,
        int minor,
        int recorded,
        bool compatible,
        int? current,
        int expected
    ) => Assert.Equal(expected, DeviceSelection.Choose(new BuiltFor(recorded, name, major, minor, compatible), Machine, current));

    [Theory]
    [InlineData("other", 9, 0)]
    [InlineData("B", 10, 0)]
    public void Nothing_that_fits_is_said_so(string name, int major, int minor)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            DeviceSelection.Choose(new BuiltFor(0, name, major, minor, false), Machine, 0)
        );
        Assert.StartsWith("No compatible device was found for instantiating TensorRT engine", refused.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "MD-03"), Trait("row", "MD-01")]
    public void Loading_among_several_devices_warns_unless_safe_mode_is_on()
    {
        using var bench = Workbench.WithDevices(2);
        var log = new ListLog();
        var runtime = new LocalRuntime(bench.Platform, log);
        string path = bench.Folder.Write("m.onnx", TinyModels.Scale(2));
        Assert.False(runtime.Modes.GetMultiDeviceSafeMode());
        using (runtime.Load(path))
        {
            Assert.Single(log.Lines, line => line.Contains("multi-device safe mode is off", StringComparison.Ordinal));
        }

        using (EnteredMode safe = runtime.Modes.SetMultiDeviceSafeMode(true))
        using (runtime.Load(path))
        {
            Assert.True(runtime.Modes.GetMultiDeviceSafeMode());
            Assert.Single(log.Lines);
        }

        Assert.False(runtime.Modes.GetMultiDeviceSafeMode());
    }
}

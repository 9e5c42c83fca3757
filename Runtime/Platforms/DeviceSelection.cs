using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>The device an engine was built for, as its record says.</summary>
/// <param name="HardwareCompatible">Runs on every device of compute capability 8.0 and above.</param>
internal sealed record BuiltFor(int Ordinal, string Name, int ComputeMajor, int ComputeMinor, bool HardwareCompatible);

/// <summary>Which device of this machine an engine is loaded on, where the caller names none: one it fits, the current one first.</summary>
internal static class DeviceSelection
{
    /// <param name="current">The caller's current device; null when it has none.</param>
    /// <exception cref="ModuleLoadException">No device fits.</exception>
    public static int Choose(BuiltFor engine, IReadOnlyList<DeviceDescription> devices, int? current)
    {
        DeviceDescription[] fitting = [.. devices.Where(device => Fits(engine, device))];

        // One device is taken whatever its name; of several only those called the same, unless the engine is hardware-compatible.
        if (fitting.Length > 1 && !engine.HardwareCompatible)
        {
            fitting = [.. fitting.Where(device => device.Name == engine.Name)];
        }

        if (fitting.Length == 0)
        {
            throw Incompatible(engine, $"this machine has {string.Join(", ", devices.Select(Text))}");
        }

        return fitting.Any(device => device.Ordinal == current) ? current!.Value
            : fitting.Any(device => device.Ordinal == engine.Ordinal) ? engine.Ordinal
            : fitting[0].Ordinal;
    }

    /// <summary>Checks the device that the caller names: it must fit, whatever it is called.</summary>
    /// <exception cref="ModuleLoadException">It does not.</exception>
    public static void Require(BuiltFor engine, DeviceDescription device)
    {
        if (!Fits(engine, device))
        {
            throw Incompatible(engine, $"device {device.Ordinal} is {Text(device)}");
        }
    }

    private static ModuleLoadException Incompatible(BuiltFor engine, string instead) =>
        new(
            FailureKind.NotSupported,
            $"No compatible device was found for instantiating TensorRT engine: it was built for '{engine.Name}' of compute capability {engine.ComputeMajor}.{engine.ComputeMinor}; {instead}."
        );

    private static string Text(DeviceDescription device) => $"'{device.Name}' ({device.ComputeMajor}.{device.ComputeMinor})";

    private static bool Fits(BuiltFor engine, DeviceDescription device) =>
        (device.ComputeMajor == engine.ComputeMajor && device.ComputeMinor == engine.ComputeMinor)
        || (engine.HardwareCompatible && device.ComputeMajor >= 8);
}

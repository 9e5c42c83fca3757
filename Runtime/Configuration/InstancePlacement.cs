using Google.Protobuf.Collections;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;
using Kind = Troupe.Runtime.Configuration.ModelInstanceGroup.Types.Kind;

namespace Troupe.Runtime.Configuration;

/// <summary>On which devices a model's instance groups put it, and how many lanes it may have on each.</summary>
/// <remarks>An emulated device is the CPU to KIND_CPU, and a GPU to KIND_GPU where there is no real one.</remarks>
internal static class InstancePlacement
{
    /// <summary>Most instances of one device, which are its lanes.</summary>
    public const int MaxCount = 64;

    /// <summary>Most lanes by ordinal of the devices that are named; null where no group says anything.</summary>
    /// <exception cref="ModuleLoadException">A count is out of range, or a group names devices that are not here.</exception>
    public static IReadOnlyDictionary<int, int>? Of(
        string model,
        RepeatedField<ModelInstanceGroup> groups,
        IReadOnlyList<DeviceDescription> devices
    )
    {
        if (groups.Count == 0)
        {
            return null;
        }

        var lanes = new SortedDictionary<int, int>();
        for (int index = 0; index < groups.Count; index++)
        {
            ModelInstanceGroup group = groups[index];
            string name = group.Name.Length > 0 ? group.Name : $"{model}_{index}";
            int count = CountOf(group, name, model);
            foreach (int ordinal in DevicesOf(group, name, model, devices))
            {
                lanes[ordinal] = Math.Min(MaxCount, lanes.GetValueOrDefault(ordinal) + count);
            }
        }

        return lanes;
    }

    private static int CountOf(ModelInstanceGroup group, string name, string model)
    {
        int count = group.HasCount ? group.Count : 1;
        return count is >= 1 and <= MaxCount
            ? count
            : throw Refused(name, model, $"has count {count}: give 1 to {MaxCount}, the calls that run at once on each of its devices.");
    }

    private static IEnumerable<int> DevicesOf(ModelInstanceGroup group, string name, string model, IReadOnlyList<DeviceDescription> devices)
    {
        if (group.SecondaryDevices.Count > 0)
        {
            throw Refused(name, model, "names secondary_devices (NVDLA), which no device here is. Leave them out.");
        }

        bool hasReal = devices.Any(device => !device.Emulated);
        int[] fit =
        [
            .. devices
                .Where(device =>
                    group.Kind switch
                    {
                        Kind.Cpu => device.Emulated,
                        Kind.Gpu => !device.Emulated || !hasReal,
                        Kind.Auto or Kind.Model => true,
                        _ => true,
                    }
                )
                .Select(device => device.Ordinal),
        ];
        if (fit.Length == 0)
        {
            throw Refused(name, model, "has kind KIND_CPU, and no emulated device is here to run on the CPU. Add one with --devices.");
        }

        if (group.Gpus.Count == 0)
        {
            return fit;
        }

        if (group.Kind is Kind.Cpu or Kind.Model)
        {
            throw Refused(name, model, $"has kind {NameOf(group.Kind)} but specifies one or more GPUs. Leave out one of them.");
        }

        return group.Gpus.FirstOrDefault(gpu => !fit.Contains(gpu), -1) is >= 0 and var missing ? throw Missing(missing)
            : group.Gpus.Any(gpu => gpu < 0) ? throw Missing(group.Gpus.First(gpu => gpu < 0))
            : group.Gpus.Distinct();

        ModuleLoadException Missing(int gpu) =>
            Refused(name, model, $"specifies invalid or unsupported gpu id {gpu}. GPUs here: {string.Join(", ", fit)}.");
    }

    private static string NameOf(Kind kind) => kind == Kind.Cpu ? "KIND_CPU" : "KIND_MODEL";

    private static ModuleLoadException Refused(string group, string model, string problem) =>
        new(FailureKind.InvalidModel, $"instance group '{group}' of model '{model}' {problem}");
}

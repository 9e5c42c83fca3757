using Troupe.Runtime.Specs;
using Kind = Troupe.Runtime.Configuration.ModelInstanceGroup.Types.Kind;

namespace Troupe.Runtime.Configuration;

/// <summary>Completes instance groups: their names, kinds and counts.</summary>
internal static class InstanceDefaults
{
    public static void Complete(ModelConfig config, string model, IReadOnlyList<DeviceDescription> devices, int lanes)
    {
        if (config.InstanceGroup.Count == 0)
        {
            config.InstanceGroup.Add(new ModelInstanceGroup { Name = model, Count = lanes });
        }

        int[] real = [.. devices.Where(device => !device.Emulated).Select(device => device.Ordinal)];
        for (int index = 0; index < config.InstanceGroup.Count; index++)
        {
            ModelInstanceGroup group = config.InstanceGroup[index];
            group.Name = group.Name.Length > 0 ? group.Name : $"{model}_{index}";
            group.Count = group.HasCount ? group.Count : 1;
            if (group.Kind == Kind.Auto && devices.Count > 0)
            {
                group.Kind = real.Length > 0 ? Kind.Gpu : Kind.Cpu;
            }

            if (group.Kind == Kind.Gpu && group.Gpus.Count == 0)
            {
                group.Gpus.AddRange(real);
            }
        }
    }
}

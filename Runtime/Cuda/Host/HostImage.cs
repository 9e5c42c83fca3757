namespace Troupe.Runtime.Cuda.Host;

/// <summary>A loaded image of kernels on an emulated device.</summary>
internal sealed class HostImage(HostContext context) : HostObject
{
    public HostContext Context { get; } = context;

    public Dictionary<string, HostKernel> Kernels { get; } = new(StringComparer.Ordinal);

    public override string Describe() => $"kernel image of device {Context.Device.Ordinal} ({string.Join(", ", Kernels.Keys)})";
}

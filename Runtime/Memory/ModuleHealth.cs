using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>The health of the devices that one module runs on: an error that ends a device is blamed on the one that it ended, whichever
/// call met it.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
/// <param name="devices">Home first.</param>
/// <param name="health">In their order.</param>
internal sealed class ModuleHealth(IReadOnlyList<DeviceContext> devices, IReadOnlyList<DeviceHealth> health)
{
    /// <inheritdoc cref="DeviceHealth.Explain"/>
    public ForwardException Explain(CudaException trouble)
    {
        if (trouble.IsContextFatal)
        {
            for (int index = 1; index < devices.Count; index++)
            {
                if (devices[index].IsFaulted)
                {
                    return health[index].Explain(trouble);
                }
            }
        }

        return health[0].Explain(trouble);
    }
}

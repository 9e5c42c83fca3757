using Troupe.Runtime.Cuda;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Lanes;

/// <summary>The host's side of a forward on tensors in host memory: its inputs on their way in, and what becomes of it.</summary>
/// <param name="Inputs">The lane's, for its next forward as soon as this one is computed.</param>
/// <param name="Forward">This one's alone until its outputs have left.</param>
internal readonly record struct HostSide(HostInputs Inputs, HostForward Forward)
{
    /// <summary>Brings the inputs to where they are read: a copy on the home device, and strings as they are.</summary>
    public void CopyIn(DeviceStream stream, ForwardFrame frame)
    {
        Forward.MarkBegun(stream);
        Inputs.Give(frame.Strings);
        Forward.Limit(frame.MostStringBytes);
        Inputs.CopyIn(stream, frame.Addresses.On(DeviceIndex.Home));
        Forward.MarkCopiedIn(stream);
    }
}

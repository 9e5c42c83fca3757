using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Lanes;

/// <summary>Tells a lane's holder that it is worth polling; made once per lane.</summary>
/// <remarks><b>Thread</b> the driver's. <b>Blocks</b> never; the callback only passes a message on.</remarks>
internal sealed class WakeCall : HostFunction
{
    private Action? _wake;

    /// <summary>Whom the next call tells.</summary>
    public void Arm(Action wake) => Volatile.Write(ref _wake, wake);

    /// <summary>May come late, when the lane was lent again meanwhile: then the new holder polls once in vain.</summary>
    public override void Invoke() => Volatile.Read(ref _wake)?.Invoke();
}

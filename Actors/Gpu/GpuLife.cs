using Troupe.Messages.Nodes;

namespace Troupe.Actors.Gpu;

/// <summary>Whether a GPU is in service, why not, and under which executor.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> its GPU's.
/// <code>
/// Starting -> Ready &lt;-> Rebuilding      Ready -> Quarantined (its executor hangs) -> Ready (another has followed it)
/// any -> Quarantined (for good: for the rest of the process)
/// </code>
/// </remarks>
internal sealed class GpuLife
{
    public GpuHealth Health { get; private set; } = GpuHealth.Starting;

    public string Reason { get; private set; } = "";

    /// <summary>The executor's number; what another one says is dropped.</summary>
    public int Incarnation { get; private set; }

    public bool IsReady => Health == GpuHealth.Ready;

    /// <summary>Out of service for the rest of the process.</summary>
    public bool IsGone { get; private set; }

    /// <summary>Quarantined until its executor, which hangs, has ended.</summary>
    public bool IsHanging => Health == GpuHealth.Quarantined && !IsGone;

    /// <summary>It said so while it was in service here.</summary>
    public bool IsPresent(int incarnation) => incarnation == Incarnation && IsReady;

    /// <summary>An executor has opened the device; false when it is too late for it.</summary>
    public bool TryStart(int incarnation)
    {
        if (IsGone || incarnation <= Incarnation)
        {
            return false;
        }

        Incarnation = incarnation;
        Become(GpuHealth.Ready, "");
        return true;
    }

    /// <summary>An executor has ended; a later one than is known here may have died before it could say that it was ready.</summary>
    public void EndExecutor(int incarnation) => Incarnation = Math.Max(Incarnation, incarnation);

    public void Become(GpuHealth health, string reason)
    {
        Health = health;
        Reason = reason;
    }

    /// <summary>Out of service for the rest of the process.</summary>
    public void Leave(string reason)
    {
        IsGone = true;
        Become(GpuHealth.Quarantined, reason);
    }
}

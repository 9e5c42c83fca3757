using Troupe.Actors.Forwards;

namespace Troupe.Actors.Gpu;

/// <summary>What a GPU's core notes of a forward it holds: its place in the queue, the barrier it stands behind, and whether it was
/// launched.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> its GPU's, which uses it again for the next forward: it never leaves the core.</remarks>
internal sealed class GpuForward
{
    public AdmittedForward Admitted { get; private set; } = null!;

    /// <summary>How many barriers its instance had when it was queued: a barrier waits for the forwards that were queued before
    /// it.</summary>
    public int Generation { get; set; }

    public TimeSpan QueuedAt { get; private set; }

    public TimeSpan LaunchedAt { get; private set; }

    public bool IsLaunched { get; private set; }

    /// <summary>Its caller has been answered; the result is dropped.</summary>
    public bool IsAbandoned { get; set; }

    /// <summary>Rises with each that is queued.</summary>
    internal long Order { get; set; }

    internal GpuForward? Previous { get; set; }

    internal GpuForward? Next { get; set; }

    public void Begin(AdmittedForward admitted, TimeSpan now)
    {
        Admitted = admitted;
        QueuedAt = now;
        IsLaunched = IsAbandoned = false;
    }

    /// <summary>It has waited for longer than it may.</summary>
    public bool IsOverdue(TimeSpan now) => Admitted.Forward.QueueTime is { Ticks: > 0 } most && now - QueuedAt > most;

    public void Launch(TimeSpan now)
    {
        IsLaunched = true;
        LaunchedAt = now;
    }

    /// <summary>Lets go of the forward, so that its bytes do not live as long as this note.</summary>
    public void End() => Admitted = null!;
}

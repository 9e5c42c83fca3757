using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>What a router knows of another node: its newest snapshot, when that came, whether it can be reached and what was sent
/// there.</summary>
internal sealed class RemoteNode(NodeSnapshot snapshot, TimeSpan heardAt)
{
    public NodeId Id => Snapshot.Node;

    public NodeSnapshot Snapshot { get; private set; } = snapshot;

    public TimeSpan HeardAt { get; private set; } = heardAt;

    public bool Reachable { get; set; } = true;

    /// <summary>Forwards of this origin that are there.</summary>
    public int Outstanding { get; set; }

    public void UpdateFrom(NodeSnapshot snapshot, TimeSpan now)
    {
        Snapshot = snapshot;
        HeardAt = now;
    }

    /// <summary>Forwards per ready GPU as far as is known: by its own word, or by what was sent since. Infinite when it has no ready GPU or
    /// its queues are full.</summary>
    public double Load()
    {
        int ready = 0;
        int held = 0;
        bool room = false;
        foreach (GpuSnapshot gpu in Snapshot.Gpus)
        {
            if (gpu.Health == GpuHealth.Ready)
            {
                ready++;
                held += gpu.Queued + gpu.InFlight;
                room |= gpu.Queued < gpu.QueueLimit;
            }
        }

        return room ? (double)Math.Max(held, Outstanding) / ready : double.PositiveInfinity;
    }
}

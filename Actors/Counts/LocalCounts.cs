using Troupe.Runtime.Counts;

namespace Troupe.Actors.Counts;

/// <summary>What this node counts of itself for its metrics: written by its actors, read by everybody, and of no interest to other
/// nodes.</summary>
/// <remarks><b>Thread</b> any; each part is immutable and replaced whole by its one writer.</remarks>
internal sealed class LocalCounts
{
    private volatile IReadOnlyList<InstanceSnapshot> _instances = [];
    private volatile IReadOnlyList<MemoryCounts> _memory = [];
    private volatile ModeCounts _modes = ModeCounts.None;

    /// <summary>What the router counts of its forwards; the mode directory says which.</summary>
    public AuditLedger Audit { get; } = new();

    /// <summary>Written by the node actor.</summary>
    public IReadOnlyList<InstanceSnapshot> Instances
    {
        get => _instances;
        set => _instances = value;
    }

    /// <summary>Of this node's devices, by ordinal; written by the node actor.</summary>
    public IReadOnlyList<MemoryCounts> Memory
    {
        get => _memory;
        set => _memory = value;
    }

    /// <summary>Written by the mode directory.</summary>
    public ModeCounts Modes
    {
        get => _modes;
        set => _modes = value;
    }
}

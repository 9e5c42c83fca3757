using System.Collections.ObjectModel;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Node;

/// <summary>What a node is made from: validated, immutable.</summary>
public sealed record TroupeNodeSpec
{
    /// <summary>The devices; owned by whoever made it and disposed after the node has stopped.</summary>
    public required IPlatform Platform { get; init; }

    /// <summary>Where models asked for by name are found.</summary>
    public required IModelRepository Repository { get; init; }

    /// <summary>The node's name where it is in no cluster; in a cluster it is the address of its control plane.</summary>
    public string LocalName { get; init; } = "local:0";

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Shown to others in snapshots.</summary>
    public string Version { get; init; } = typeof(TroupeNodeSpec).Assembly.GetName().Version?.ToString(3) ?? "";

    /// <summary>Forwards that may wait at each device; beyond it <c>QueueFull</c>.</summary>
    public int QueueLimit { get; init; } = 256;

    /// <summary>Launches that a device's executor has at once: one more than an instance has lanes keeps them at work while the outputs of
    /// another forward travel.</summary>
    public int LaunchLimit { get; init; } = 3;

    /// <summary>Lanes of an instance, at most.</summary>
    public int MaxLanes { get; init; } = 2;

    /// <summary>Most entries of a batch of a model that can be batched and whose configuration leaves it to the model; 0: its first
    /// dimension is no batch.</summary>
    public int DefaultMaxBatchSize { get; init; } = 4;

    /// <summary>Most bytes that the outputs of one forward, those that are asked for, take together; a forward with more is refused before
    /// it is launched, or fails where its sizes are known only afterwards.</summary>
    /// <value>1 GiB</value>
    public long MaxOutputBytes { get; init; } = 1L << 30;

    /// <summary>Most bytes of files that loads bring along, together, for as long as their models live.</summary>
    /// <value>1 GiB</value>
    public long MaxHeldBytes { get; init; } = 1L << 30;

    /// <summary>Whether models are loaded and unloaded for whoever asks; false: for <see cref="TroupeNode.LoadOwnAsync"/> and
    /// <see cref="TroupeNode.UnloadOwnAsync"/> alone.</summary>
    public bool LoadsForOthers { get; init; } = true;

    /// <summary>Where TensorRT-RTX engines keep compiled kernels: names come from afar, so they stay in one folder, and an executor does
    /// not wait long for a file.</summary>
    public RuntimeCacheOptions RuntimeCaches { get; init; } = new(InFolderOnly: true) { LockLimit = TimeSpan.FromSeconds(1) };

    /// <summary>Devices that one executor owns together, for modules that span them; devices not named have an executor of their
    /// own.</summary>
    public IReadOnlyList<IReadOnlyList<int>> ExecutorGroups { get; init; } = [];

    /// <summary>How often a node tells the others of itself when nothing changes.</summary>
    public TimeSpan SnapshotInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Older word of a node is not acted on.</summary>
    public TimeSpan SnapshotMaxAge { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>An executor that answers nothing for this long hangs, and its devices are quarantined until it moves again. Only time in
    /// which this process itself ran counts. On an emulated device a forward is progress while its caller waits, and may take this long
    /// beyond it.</summary>
    public TimeSpan WatchdogBound { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Longest wait for a device's work when its executor ends.</summary>
    public TimeSpan DeviceDrainBound { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait for accepted forwards when the system is shut down.</summary>
    public TimeSpan DrainBound { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Longest wait for the answer to a load, unload or mode request.</summary>
    public TimeSpan AdminBound { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Longest time for finding and trying a model, and for loading it on one device; what takes longer is given up.</summary>
    public TimeSpan LoadBound { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Where models that somebody asks to be loaded are tried first; null: nowhere.</summary>
    public IModelProbe? Probe { get; init; }

    /// <summary>Models of <see cref="TroupeNode.LoadOwnAsync"/> are tried as well.</summary>
    public bool ProbesOwn { get; init; }

    /// <summary>Of models by name which version a forward takes that names none, where the mode <c>version</c> says nothing.</summary>
    public IReadOnlyDictionary<string, VersionChoice> Versions { get; init; } = ReadOnlyDictionary<string, VersionChoice>.Empty;

    /// <summary>Bounds of mode changes.</summary>
    public ModeDirectoryOptions Modes { get; init; } = new();

    /// <summary>Failures of an executor within <see cref="ExecutorFailureWindow"/> after which its devices are quarantined.</summary>
    public int ExecutorFailureLimit { get; init; } = 5;

    public TimeSpan ExecutorFailureWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <exception cref="ArgumentException">A choice names no version.</exception>
    internal IReadOnlyDictionary<string, VersionRule> VersionRules() =>
        Versions.ToDictionary(
            pair => pair.Key,
            pair =>
                VersionRule.Of(pair.Value)
                ?? throw new ArgumentException($"Versions: '{pair.Value.Words}' says no version of model '{pair.Key}'."),
            StringComparer.Ordinal
        );

    /// <summary>Groups for every device of the platform, those of <see cref="ExecutorGroups"/> first.</summary>
    /// <exception cref="ArgumentException">A device is in two groups, or not of this machine.</exception>
    internal IReadOnlyList<IReadOnlyList<int>> Groups()
    {
        var groups = new List<IReadOnlyList<int>>();
        var taken = new HashSet<int>();
        foreach (IReadOnlyList<int> group in ExecutorGroups)
        {
            foreach (int ordinal in group)
            {
                if (ordinal < 0 || ordinal >= Platform.Devices.Count || !taken.Add(ordinal))
                {
                    throw new ArgumentException(
                        $"Executor groups: device {ordinal} is named twice or does not exist; this node has {Platform.Devices.Count}."
                    );
                }
            }

            groups.Add([.. group.Order()]);
        }

        groups.AddRange(
            Platform.Devices.Where(device => !taken.Contains(device.Ordinal)).Select(device => (IReadOnlyList<int>)[device.Ordinal])
        );
        return groups;
    }
}

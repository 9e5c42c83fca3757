using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>Which model versions a node has, with which content and on which of its ready devices.</summary>
/// <remarks>Knows no Akka; part of <see cref="ModelDirectoryCore"/> and of its thread. <b>Owns</b> the entries.</remarks>
/// <param name="elsewhere">What another node says of a version, if one has it.</param>
internal sealed class ModelResidency(NodeId self, Func<ModelReference, ModelSnapshot?> elsewhere)
{
    private readonly SortedDictionary<(string Name, int Number), ModelEntry> _entries = [];
    private readonly SortedDictionary<int, IReadOnlyList<int>> _devices = [];

    public NodeId Self => self;

    public IEnumerable<ModelEntry> Entries => _entries.Values;

    /// <summary>Devices that can be loaded to, in order.</summary>
    public IReadOnlyCollection<int> Devices => _devices.Keys;

    public ModelSnapshot[] Snapshot() => [.. _entries.Values.Select(Snapshot)];

    /// <summary>How the versions that are loaded are configured.</summary>
    public IEnumerable<KeyValuePair<ModelVersion, ModelConfiguration>> Configurations() =>
        from entry in _entries.Values
        where entry.Configuration is not null
        select KeyValuePair.Create(entry.Module!.Model, entry.Configuration);

    public bool HasDevice(int ordinal) => _devices.ContainsKey(ordinal);

    public void AddDevice(int ordinal, IReadOnlyList<int> group) => _devices[ordinal] = group;

    public void RemoveDevice(int ordinal) => _devices.Remove(ordinal);

    public string ListDevices() => _devices.Count == 0 ? "none" : string.Join(", ", _devices.Keys);

    /// <summary>The version's entry; a new one, for which the second value is true, where there was none that could still become
    /// ready.</summary>
    public (ModelEntry Entry, bool IsNew) Reserve(ModuleSource source)
    {
        (string, int) key = KeyOf(source);
        if (_entries.TryGetValue(key, out ModelEntry? entry) && entry.State != ModelState.Unavailable)
        {
            return (entry, false);
        }

        entry = new ModelEntry(source);
        _entries[key] = entry;
        return (entry, true);
    }

    public void Remove(ModelEntry entry) => _entries.Remove(KeyOf(entry.Source));

    public bool IsLive(ModelEntry entry) => _entries.TryGetValue(KeyOf(entry.Source), out ModelEntry? present) && present == entry;

    /// <summary>The versions that a request to unload names.</summary>
    public IEnumerable<ModelEntry> Named(UnloadModel unload) =>
        _entries
            .Where(pair => pair.Key.Name == unload.Name && (unload.Number is not { } number || pair.Key.Number == number))
            .Select(pair => pair.Value);

    /// <summary>A device no longer has this version.</summary>
    public void Forget(ModelVersion model, int ordinal)
    {
        if (_entries.TryGetValue((model.Name, model.Number), out ModelEntry? entry))
        {
            entry.Resident.Remove(ordinal);
        }
    }

    /// <summary>Why an instance that was built may not be used: other content under the same number, or devices that no one executor
    /// owns.</summary>
    public (FailureKind Kind, string Detail)? Objection(ModelEntry entry, InstanceBuilt built)
    {
        ContentHash hash = built.Module.Model.Hash;
        if (entry.Module is { } live && live.Model.Hash != hash)
        {
            return (
                FailureKind.AlreadyExists,
                $"Model '{live.Model}' is live with content {live.Model.Hash}; the content asked for is {hash}. Unload it first, or use another version number."
            );
        }

        if (
            elsewhere(new ModelReference(built.Module.Model.Name, built.Module.Model.Number)) is { } other
            && other.Model.Hash != hash
            && other.Model.Hash != default
        )
        {
            return (
                FailureKind.AlreadyExists,
                $"Model '{other.Model}' is live in the cluster with content {other.Model.Hash}; the content asked for is {hash}. Use another version number."
            );
        }

        if (!_devices.TryGetValue(built.Ordinal, out IReadOnlyList<int>? group))
        {
            return (FailureKind.DeviceLost, $"Device {built.Ordinal} was lost while the model was loading.");
        }

        return built.Ordinals.All(group.Contains)
            ? null
            : (
                FailureKind.NotSupported,
                $"The model spans devices {string.Join(", ", built.Ordinals)}; the executor of device {built.Ordinal} owns {string.Join(", ", group)}. Put them in one executor group."
            );
    }

    private static (string, int) KeyOf(ModuleSource source) => (source.Model.Name, source.Model.Number ?? 1);

    private ModelSnapshot Snapshot(ModelEntry entry) =>
        new(
            entry.Module?.Model ?? new ModelVersion(entry.Source.Model.Name, entry.Source.Model.Number ?? 1, default),
            entry.State,
            entry.Reason,
            entry.Module?.Platform ?? "",
            entry.Module is { } module ? [.. module.Inputs] : [],
            entry.Module is { } spec ? [.. spec.Outputs] : [],
            entry.State == ModelState.Ready ? [.. entry.Resident.Select(ordinal => new GpuId(self, ordinal))] : [],
            entry.Module?.SafeToResend ?? true,
            entry.IsRefused,
            [.. entry.Wanted.Except(entry.Resident).Select(ordinal => new GpuId(self, ordinal))]
        );
}

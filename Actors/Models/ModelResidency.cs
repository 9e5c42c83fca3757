using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>Which model versions a node has, with which content and on which of its ready devices.</summary>
/// <remarks>Knows no Akka; part of <see cref="ModelDirectoryCore"/> and of its thread. <b>Owns</b> the entries.</remarks>
/// <param name="elsewhere">What another node says of a version, if one has it.</param>
internal sealed class ModelResidency(NodeId self, Func<ModelReference, IReadOnlyList<ModelSnapshot>> elsewhere)
{
    /// <summary>Most versions whose end is remembered.</summary>
    public const int MostEnded = 4096;

    private readonly SortedDictionary<(string Name, int Number), ModelEntry> _entries = [];
    private readonly List<ModelEntry> _ended = [];

    /// <summary>Newer generations that are being loaded, each beside the one that serves.</summary>
    private readonly List<ModelEntry> _beside = [];

    /// <summary>What devices were told to let go and still have: forwards of it are not done.</summary>
    private readonly HashSet<(ModelVersion Model, int Ordinal)> _leaving = [];
    private readonly SortedDictionary<int, IReadOnlyList<int>> _devices = [];

    public NodeId Self => self;

    /// <summary>All that devices may have.</summary>
    public IEnumerable<ModelEntry> Entries => _entries.Values.Concat(_beside);

    /// <summary>Devices that can be loaded to, in order.</summary>
    public IReadOnlyCollection<int> Devices => _devices.Keys;

    /// <summary>What loads brought along and versions hold, several of them the same.</summary>
    public IEnumerable<GivenModel> Given => Entries.Select(entry => entry.Given).OfType<GivenModel>();

    public ModelSnapshot[] Snapshot() => [.. _entries.Values.Select(Snapshot)];

    /// <summary>How the versions that are loaded are configured.</summary>
    public IEnumerable<KeyValuePair<ModelVersion, ModelConfiguration>> Configurations() =>
        from entry in _entries.Values
        where entry.Configuration is not null
        select KeyValuePair.Create(entry.Module!.Model, entry.Configuration);

    public bool HasDevice(int ordinal) => _devices.ContainsKey(ordinal);

    public void AddDevice(int ordinal, IReadOnlyList<int> group) => _devices[ordinal] = group;

    /// <summary>A device was lost, and all that was on it.</summary>
    public void RemoveDevice(int ordinal)
    {
        _devices.Remove(ordinal);
        _leaving.RemoveWhere(left => left.Ordinal == ordinal);
    }

    public string ListDevices() => _devices.Count == 0 ? "none" : string.Join(", ", _devices.Keys);

    /// <summary>The version's entry; a new one, for which the second value is true, where there was none that could still become
    /// ready.</summary>
    public (ModelEntry Entry, bool IsNew) Reserve(ModuleSource source, GivenModel? given)
    {
        (string, int) key = KeyOf(source);
        if (_entries.TryGetValue(key, out ModelEntry? entry) && entry.State != ModelState.Unavailable)
        {
            return (entry, false);
        }

        if (entry is not null)
        {
            _ended.Remove(entry);
        }

        entry = new ModelEntry(source, given);
        _entries[key] = entry;
        return (entry, true);
    }

    /// <summary>Nothing of a version is left here but why; of very many the one that ended first is forgotten.</summary>
    public void End(ModelEntry entry, string reason)
    {
        entry.End(reason);
        _ended.Add(entry);
        if (_ended.Count > MostEnded)
        {
            _entries.Remove(KeyOf(_ended[0].Source));
            _ended.RemoveAt(0);
        }
    }

    /// <summary>A version that cannot be had is unavailable from now on, but for one that is here.</summary>
    /// <returns>Its entry; null where it is here.</returns>
    public ModelEntry? ReserveUnlessLive(ModuleSource source) =>
        _entries.TryGetValue(KeyOf(source), out ModelEntry? entry) && !entry.HasEnded ? null : Reserve(source, given: null).Entry;

    /// <summary>A newer generation of a version, beside the one that serves.</summary>
    public ModelEntry ReserveBeside(ModelEntry serving, ModuleSource source, GivenModel? given)
    {
        var entry = new ModelEntry(source, given) { Replaced = serving };
        _beside.Add(entry);
        return entry;
    }

    /// <summary>The newer generation serves from now on.</summary>
    public void Promote(ModelEntry entry)
    {
        ModelEntry older = entry.Replaced!;
        _beside.Remove(entry);
        _entries[KeyOf(entry.Source)] = entry;
        older.State = ModelState.Unloading;
        older.Wanted.Clear();
    }

    /// <summary>A newer generation that failed: the one that serves is as it was.</summary>
    public void Drop(ModelEntry entry) => _beside.Remove(entry);

    /// <summary>Which generation a content is: that of other nodes which have it, else newer than any that is known.</summary>
    public int GenerationOf(ModuleSpec module, ModelEntry? serving)
    {
        IReadOnlyList<ModelSnapshot> others = elsewhere(module.Model.ToReference());
        return others.FirstOrDefault(other => other.Model.Hash == module.Model.Hash) is { } same ? same.Generation
            : others.Count == 0 && serving is null ? 0
            : others.Select(other => other.Generation).Append(serving?.Generation ?? 0).Max() + 1;
    }

    public bool IsLive(ModelEntry entry) =>
        !entry.HasEnded && _entries.TryGetValue(KeyOf(entry.Source), out ModelEntry? present) && present == entry;

    /// <summary>The versions that a request to unload names.</summary>
    public IEnumerable<ModelEntry> Named(UnloadModel unload) =>
        _entries.Where(pair => IsNamed(pair.Key, unload) && !pair.Value.HasEnded).Select(pair => pair.Value);

    /// <summary>Versions that have ended are forgotten, and why they did.</summary>
    /// <returns>Whether there were any.</returns>
    public bool ForgetEnded(UnloadModel unload)
    {
        int before = _ended.Count;
        foreach (ModelEntry entry in _ended.Where(entry => IsNamed(KeyOf(entry.Source), unload)))
        {
            _entries.Remove(KeyOf(entry.Source));
        }

        _ended.RemoveAll(entry => IsNamed(KeyOf(entry.Source), unload));
        return _ended.Count < before;
    }

    /// <summary>A device no longer has this version.</summary>
    public void Forget(ModelVersion model, int ordinal)
    {
        foreach (ModelEntry entry in Entries.Where(entry => entry.Module?.Model == model))
        {
            entry.Resident.Remove(ordinal);
        }

        _leaving.Remove((model, ordinal));
    }

    /// <summary>A device is told to let a version go.</summary>
    public void LetGo(ModelVersion model, int ordinal)
    {
        if (HasDevice(ordinal))
        {
            _leaving.Add((model, ordinal));
        }
    }

    /// <summary>Whether a device still has what it was told to let go, of any content.</summary>
    /// <param name="number">Null: of any version of the model.</param>
    public bool IsLeaving(string name, int? number) =>
        _leaving.Any(left => left.Model.Name == name && (number is null || left.Model.Number == number));

    /// <summary>Whether a device still has this content, which it was told to let go.</summary>
    public bool IsLeaving(ModelVersion model) => _leaving.Any(left => left.Model == model);

    /// <summary>Why an instance that was built may not be used: other content under the same number, or devices that no one executor
    /// owns.</summary>
    /// <param name="replaces">Contents that may be elsewhere all the same.</param>
    public (FailureKind Kind, string Detail)? Objection(ModelEntry entry, InstanceBuilt built, IReadOnlyCollection<ContentHash> replaces)
    {
        ContentHash hash = built.Module.Model.Hash;
        if (entry.Module is { } live && live.Model.Hash != hash)
        {
            return (
                FailureKind.AlreadyExists,
                $"Model '{live.Model}' is live with content {live.Model.Hash}; the content asked for is {hash}. Unload it first, say that it is replaced, or use another version number."
            );
        }

        if (
            elsewhere(built.Module.Model.ToReference())
                .FirstOrDefault(known => known.Model.Hash != hash && known.Model.Hash != default && !replaces.Contains(known.Model.Hash)) is
            { } other
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

    private static bool IsNamed((string Name, int Number) key, UnloadModel unload) =>
        key.Name == unload.Name && (unload.Number is not { } number || key.Number == number);

    private static (string Name, int Number) KeyOf(ModuleSource source) => (source.Model.Name, source.Model.Number ?? 1);

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
            entry.Generation,
            entry.Wanted.IsSubsetOf(entry.Resident)
                ? null
                : [.. entry.Wanted.Except(entry.Resident).Select(ordinal => new GpuId(self, ordinal))]
        );
}

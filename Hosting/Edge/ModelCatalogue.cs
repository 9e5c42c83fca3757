using System.Diagnostics.CodeAnalysis;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;

namespace Troupe.Hosting.Edge;

/// <summary>The models that can be forwarded to, by name and version, as one <see cref="ClusterView"/> tells. Immutable; made anew when the
/// view changes.</summary>
internal sealed class ModelCatalogue
{
    private readonly Dictionary<string, ServedModel[]> _byName;

    private ModelCatalogue(ClusterView view, Dictionary<string, ServedModel[]> byName) => (View, _byName) = (view, byName);

    /// <summary>What it was made from.</summary>
    public ClusterView View { get; }

    /// <summary>Every served version, by name and then number.</summary>
    public IEnumerable<ServedModel> All => _byName.OrderBy(entry => entry.Key, StringComparer.Ordinal).SelectMany(entry => entry.Value);

    /// <param name="maxBatchSize">Of models that can be batched and say no more.</param>
    /// <param name="configurationOf">How a version of this node is configured.</param>
    /// <param name="previous">Served models that did not change are taken over from it.</param>
    public static ModelCatalogue Of(
        ClusterView view,
        int maxBatchSize,
        Func<ModelVersion, ModelConfiguration?> configurationOf,
        ModelCatalogue? previous
    )
    {
        HashSet<NodeId> unreachable = [.. view.Unreachable];
        Dictionary<string, ServedModel[]> byName = view
            .Nodes.Where(node => !unreachable.Contains(node.Node))
            .SelectMany(node => node.Models)
            .Where(model => model.State == ModelState.Ready || model.IsComingBack)
            .GroupBy(model => (model.Model.Name, model.Model.Number))
            .Select(group =>
                Served([.. group.OrderByDescending(copy => copy.Generation)], view.Nodes[0].Node, maxBatchSize, configurationOf, previous)
            )
            .GroupBy(model => model.Name, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.OrderBy(model => model.Number).ToArray(), StringComparer.Ordinal);
        return new ModelCatalogue(view, byName);
    }

    /// <summary>The newest version that has taken over; null for an unknown name.</summary>
    public int? Newest(string name) =>
        !_byName.TryGetValue(name, out ServedModel[]? versions) ? null
        : View.Newest.TryGetValue(name, out int newest) && Array.Exists(versions, one => one.Number == newest) ? newest
        : versions[^1].Number;

    /// <summary>Finds a version, or the newest that has taken over where <paramref name="version"/> is null.</summary>
    public bool TryFind(string name, int? version, [NotNullWhen(true)] out ServedModel? model)
    {
        model = null;
        if (_byName.TryGetValue(name, out ServedModel[]? versions))
        {
            int? number = version ?? Newest(name);
            model = Array.Find(versions, one => one.Number == number);
        }

        return model is not null;
    }

    /// <summary>Numbers of the versions of a name, rising; empty for an unknown one.</summary>
    public IEnumerable<int> Versions(string name) =>
        _byName.TryGetValue(name, out ServedModel[]? versions) ? versions.Select(one => one.Number) : [];

    /// <summary>Of each of these versions the devices of the whole cluster that have it.</summary>
    public (int Number, int Devices)[] Devices(string name) =>
        _byName.TryGetValue(name, out ServedModel[]? versions) ? [.. versions.Select(one => (one.Number, one.Devices))] : [];

    /// <summary>What a caller reads of a model or version that nobody serves, in Triton's words.</summary>
    public string UnknownText(string name, int? version) =>
        version is { } number ? $"Request for unknown model: '{name}' version {number} is not found"
        : View.Nodes.Any(node => Array.Exists(node.Models, model => model.Model.Name == name))
            ? $"Request for unknown model: '{name}' has no available versions"
        : $"Request for unknown model: '{name}' is not found";

    private static ServedModel Served(
        ModelSnapshot[] copies,
        NodeId self,
        int maxBatchSize,
        Func<ModelVersion, ModelConfiguration?> configurationOf,
        ModelCatalogue? previous
    )
    {
        ModelSnapshot first = copies[0];
        int devices = copies.Sum(copy => copy.Gpus.Length);
        int[] here = [.. copies.SelectMany(copy => copy.Gpus).Where(gpu => gpu.Node == self).Select(gpu => gpu.Ordinal)];
        ModelConfiguration? configuration = configurationOf(first.Model);
        return
            previous is not null
            && previous.TryFind(first.Model.Name, first.Model.Number, out ServedModel? known)
            && known.Snapshot.Model == first.Model
            && known.Devices == devices
            && known.Here.AsSpan().SequenceEqual(here)
            && known.Snapshot.Platform == first.Platform
            && known.Own == configuration
            ? known
            : new ServedModel(first, devices, here, maxBatchSize, configuration);
    }
}

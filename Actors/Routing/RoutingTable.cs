using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>Who has which model and how busy they are: what origin and home decisions are made from.</summary>
/// <remarks>Knows no Akka. Owned by one router. Routes are rebuilt at each change of residency, so that choosing only scans the few that
/// hold the model. It is long because what is asked of the routes and how they are made are read together.</remarks>
internal sealed class RoutingTable(NodeId self, TimeSpan snapshotMaxAge)
{
    private readonly SortedDictionary<int, LocalGpu> _gpus = [];
    private readonly Dictionary<NodeId, RemoteNode> _nodes = [];
    private readonly Dictionary<string, List<ModelRoute>> _routes = new(StringComparer.Ordinal);
    private readonly DevicesAway _away = new();
    private long _uses;

    public NodeId Self => self;

    public IReadOnlyCollection<RemoteNode> Nodes => _nodes.Values;

    public NodeSnapshot? Own { get; private set; }

    public LocalGpu? Gpu(int ordinal) => _gpus.GetValueOrDefault(ordinal);

    public RemoteNode? Node(NodeId id) => _nodes.GetValueOrDefault(id);

    /// <summary>Names that somebody reachable has a version of.</summary>
    public IEnumerable<string> Names => _routes.Keys;

    /// <summary>Rises whenever routes may have changed.</summary>
    public int Changes { get; private set; }

    /// <summary>Routes of a name, the highest number first.</summary>
    public List<ModelRoute> Versions(string name) => _routes.TryGetValue(name, out List<ModelRoute>? versions) ? versions : [];

    public void UpdateFrom(GpuReport report)
    {
        if (_gpus.TryGetValue(report.Gpu.Ordinal, out LocalGpu? gpu))
        {
            gpu.Report = report;
        }
        else
        {
            _gpus.Add(report.Gpu.Ordinal, new LocalGpu(report));
        }

        Rebuild();
    }

    public void UpdateOwn(NodeSnapshot snapshot)
    {
        bool same = Own is { } former && SameResidency(former, snapshot);
        Own = snapshot;
        if (!same)
        {
            Rebuild();
        }
    }

    /// <summary>Takes a snapshot in unless it is older than what is known. True when the node is another incarnation than before: what was
    /// sent to the former is lost.</summary>
    public bool UpdateFrom(NodeSnapshot snapshot, TimeSpan now)
    {
        if (!_nodes.TryGetValue(snapshot.Node, out RemoteNode? node))
        {
            _nodes.Add(snapshot.Node, new RemoteNode(snapshot, now));
            Rebuild();
            return false;
        }

        bool reborn = node.Snapshot.Incarnation != snapshot.Incarnation;
        if (!reborn && snapshot.Sequence <= node.Snapshot.Sequence)
        {
            return false;
        }

        bool sameResidency = !reborn && SameResidency(node.Snapshot, snapshot);
        node.UpdateFrom(snapshot, now);
        if (!sameResidency)
        {
            Rebuild();
        }

        return reborn;
    }

    /// <summary>The models of a node, which did not travel with its snapshot.</summary>
    public void UpdateModels(NodeId id, NodeIncarnation life, ModelSnapshot[] models)
    {
        if (_nodes.TryGetValue(id, out RemoteNode? node) && node.Snapshot.Incarnation == life)
        {
            node.UpdateFrom(node.Snapshot with { Models = models }, node.HeardAt);
            Rebuild();
        }
    }

    public void SetReachable(NodeId id, bool reachable)
    {
        if (_nodes.TryGetValue(id, out RemoteNode? node) && node.Reachable != reachable)
        {
            node.Reachable = reachable;
            Rebuild();
        }
    }

    public void Remove(NodeId id)
    {
        if (_nodes.Remove(id))
        {
            Rebuild();
        }
    }

    /// <summary>The route of a reference: of its number, or the highest that anyone holds; null when nobody reachable does. Forwards come
    /// with the number that <see cref="VersionChooser"/> gave them.</summary>
    public ModelRoute? Find(ModelReference model)
    {
        if (!_routes.TryGetValue(model.Name, out List<ModelRoute>? versions))
        {
            return null;
        }

        if (model.Number is not { } number)
        {
            return versions[0];
        }

        foreach (ModelRoute route in versions)
        {
            if (route.Model.Number == number)
            {
                return route;
            }
        }

        return null;
    }

    /// <summary>The route of one content; null when nobody reachable has it.</summary>
    public ModelRoute? Find(ModelVersion model)
    {
        foreach (ModelRoute route in Versions(model.Name))
        {
            if (route.Model == model)
            {
                return route;
            }
        }

        return null;
    }

    /// <summary>The route of a reference among what devices here hold: of this content, or of what stands in its place.</summary>
    public ModelRoute? FindHere(ModelReference model, ContentHash? content)
    {
        ModelRoute? found = null;
        foreach (ModelRoute route in _routes.GetValueOrDefault(model.Name) ?? [])
        {
            if (route.Local.Count > 0 && (model.Number is not { } number || route.Model.Number == number))
            {
                if (content is null || route.Model.Hash == content)
                {
                    return route;
                }

                found ??= route;
            }
        }

        return found;
    }

    /// <summary>The GPU here for a forward as home: the named one, else one without suspects, the least loaded, among equals the one used
    /// longest ago. Null when none has a credit left.</summary>
    /// <param name="avoided">Taken only where there is no other.</param>
    public static LocalGpu? LocalFor(ModelRoute route, GpuId? wanted, GpuId? avoided = null)
    {
        LocalGpu? best = null;
        foreach (LocalGpu gpu in route.Local)
        {
            if (!gpu.Ready || !gpu.HasCredit || (wanted is { } id && id != gpu.Id))
            {
                continue;
            }

            if (best is null || Rank(gpu).CompareTo(Rank(best)) < 0)
            {
                best = gpu;
            }
        }

        return best;

        (bool, bool, int, long) Rank(LocalGpu gpu) => (gpu.Id == avoided, gpu.SuspectLines > 0, gpu.Outstanding, gpu.LastUsed);
    }

    /// <summary>The node for a forward as origin, by load, a hop counting as one forward more; only nodes heard of lately that have room
    /// and did not send it back.</summary>
    public RemoteNode? RemoteFor(ModelRoute route, GpuId? wanted, List<NodeId>? bounced, TimeSpan now, out double load)
    {
        RemoteNode? best = null;
        load = double.PositiveInfinity;
        foreach (RemoteNode node in route.Remote)
        {
            if (
                node.Snapshot.Draining
                || now - node.HeardAt > snapshotMaxAge
                || (wanted is { } gpu && gpu.Node != node.Id)
                || bounced?.Contains(node.Id) == true
            )
            {
                continue;
            }

            double candidate = node.Load() + 1;
            if (candidate < load)
            {
                best = node;
                load = candidate;
            }
        }

        return best;
    }

    /// <summary>Spends a credit.</summary>
    public void Use(LocalGpu gpu)
    {
        gpu.Outstanding++;
        gpu.LastUsed = ++_uses;
    }

    /// <summary>Why <paramref name="model"/> has no route at all.</summary>
    public (FailureKind Kind, string Detail) WhyUnknown(ModelReference model)
    {
        if (IsComingBack(model, null))
        {
            return (FailureKind.DeviceLost, $"No device that holds model '{model}' is ready at present.");
        }

        foreach (RemoteNode node in _nodes.Values)
        {
            if (!node.Reachable && Array.Exists(node.Snapshot.Models, known => Matches(known.Model, model)))
            {
                return (FailureKind.NodeUnreachable, $"Model '{model}' is loaded on node {node.Id}, which cannot be reached.");
            }
        }

        ModelSnapshot? here = Own is null ? null : Array.Find(Own.Models, known => Matches(known.Model, model));
        return here is { State: ModelState.Unavailable }
            ? (FailureKind.ModelNotLoaded, $"Model '{model}' is unavailable on node {self}: {here.Reason}")
            : (FailureKind.ModelNotLoaded, $"Model '{model}' is loaded on no node of the cluster. Load it first.");
    }

    /// <summary>Whether a device has lost the model and will have it again.</summary>
    /// <param name="wanted">That device; null: any.</param>
    public bool IsComingBack(ModelReference model, GpuId? wanted) => _away.Has(model, wanted);

    /// <summary>The same of this node's devices, which say sooner than the node's snapshot that they do not have it.</summary>
    public bool IsComingBackHere(ModelReference model, GpuId? wanted) => _away.Has(model, wanted, self);

    public ClusterView View()
    {
        var nodes = new List<NodeSnapshot>(_nodes.Count + 1);
        if (Own is not null)
        {
            nodes.Add(Own);
        }

        nodes.AddRange(_nodes.Values.Where(node => node.Reachable).Select(node => node.Snapshot));
        return new ClusterView(nodes, [.. _nodes.Values.Where(node => !node.Reachable).Select(node => node.Id)]);
    }

    private static bool Matches(ModelVersion version, ModelReference model) =>
        version.Name == model.Name && (model.Number is not { } number || number == version.Number);

    private static bool SameResidency(NodeSnapshot before, NodeSnapshot after)
    {
        if (ReferenceEquals(before.Models, after.Models) && before.Draining == after.Draining)
        {
            return true;
        }

        if (before.Models.Length != after.Models.Length || before.Draining != after.Draining)
        {
            return false;
        }

        for (int i = 0; i < before.Models.Length; i++)
        {
            ModelSnapshot a = before.Models[i];
            ModelSnapshot b = after.Models[i];
            if (
                a.State != b.State
                || a.Model != b.Model
                || a.Generation != b.Generation
                || !a.Gpus.AsSpan().SequenceEqual(b.Gpus)
                || !a.Awaited.AsSpan().SequenceEqual(b.Awaited)
            )
            {
                return false;
            }
        }

        return true;
    }

    private void Rebuild()
    {
        Changes++;
        _routes.Clear();

        // Until this node's directory says that a content serves it stands behind: it is loaded on one device after another.
        Dictionary<ModelVersion, int> here = (Own?.Models ?? []).ToDictionary(known => known.Model, known => known.Generation);
        foreach (LocalGpu gpu in _gpus.Values)
        {
            foreach (ResidentModel resident in gpu.Report.Models)
            {
                ModelRoute route = RouteOf(resident.Model, here.GetValueOrDefault(resident.Model, -1));
                route.SafeToResend &= resident.SafeToResend;
                route.Local.Add(gpu);
                route.Devices++;
            }
        }

        foreach (RemoteNode node in _nodes.Values.Where(node => node.Reachable))
        {
            foreach (ModelSnapshot model in node.Snapshot.Models)
            {
                if (model.State == ModelState.Ready && model.Gpus.Length > 0)
                {
                    ModelRoute route = RouteOf(model.Model, model.Generation);
                    route.SafeToResend &= model.SafeToResend;
                    route.Remote.Add(node);
                }
            }
        }

        Count();
    }

    /// <summary>Who is away, and how many devices have each version or will have it again: a node out of reach and a device that is rebuilt
    /// count as before, so that a fault is not taken for a roll-out.</summary>
    private void Count()
    {
        _away.Clear();
        foreach (ModelSnapshot model in Own?.Models ?? [])
        {
            ModelRoute? route = Find(model.Model);
            foreach (GpuId gpu in model.Gpus.Concat(model.Awaited ?? []))
            {
                if (route?.Local.Exists(known => known.Id == gpu) != true)
                {
                    _away.Add(model.Model, gpu);
                    if (route is not null)
                    {
                        route.Devices++;
                    }
                }
            }
        }

        foreach (RemoteNode node in _nodes.Values)
        {
            foreach (ModelSnapshot model in node.Snapshot.Models)
            {
                if (Find(model.Model) is { } route)
                {
                    route.Devices += model.Gpus.Length + (model.Awaited?.Length ?? 0);
                }

                foreach (GpuId gpu in node.Reachable ? model.Awaited ?? [] : [])
                {
                    _away.Add(model.Model, gpu);
                }
            }
        }
    }

    /// <summary>Versions stand highest first; of contents under one number the newest generation, and of one generation, which only a
    /// healed partition can bring about, the one that is here.</summary>
    private ModelRoute RouteOf(ModelVersion model, int generation)
    {
        if (!_routes.TryGetValue(model.Name, out List<ModelRoute>? versions))
        {
            _routes.Add(model.Name, versions = []);
        }

        ModelRoute? route = versions.Find(known => known.Model == model);
        if (route is null || route.Generation < generation)
        {
            versions.Remove(route ??= new ModelRoute(model));
            route.Generation = generation;
            int at = versions.FindIndex(known => (known.Model.Number, known.Generation).CompareTo((model.Number, generation)) < 0);
            versions.Insert(at < 0 ? versions.Count : at, route);
        }

        return route;
    }
}

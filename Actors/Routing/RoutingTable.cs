using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>Who has which model and how busy they are: what origin and home decisions are made from.</summary>
/// <remarks>Knows no Akka. Owned by one router. Its <see cref="Routes"/> are rebuilt at each change of
/// residency, so that choosing only scans the few that hold the model.</remarks>
internal sealed class RoutingTable(NodeId self, TimeSpan snapshotMaxAge)
{
    private readonly SortedDictionary<int, LocalGpu> _gpus = [];
    private readonly Dictionary<NodeId, RemoteNode> _nodes = [];
    private long _uses;

    public NodeId Self => self;

    /// <summary>Who can run which version.</summary>
    public ModelRoutes Routes { get; } = new(self);

    public IReadOnlyCollection<RemoteNode> Nodes => _nodes.Values;

    public NodeSnapshot? Own { get; private set; }

    public LocalGpu? Gpu(int ordinal) => _gpus.GetValueOrDefault(ordinal);

    public RemoteNode? Node(NodeId id) => _nodes.GetValueOrDefault(id);

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

    /// <summary>Takes a snapshot in unless it is older than what is known, or that is itself too old to be gone by: a sequence that came
    /// from nowhere does not silence a node for good. True when the node is another incarnation than before: what was
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
        if (!reborn && snapshot.Sequence <= node.Snapshot.Sequence && now - node.HeardAt <= snapshotMaxAge / 2)
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
        if (Routes.IsComingBack(model, null))
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

    private void Rebuild() => Routes.Rebuild(_gpus.Values, Own, _nodes.Values);
}

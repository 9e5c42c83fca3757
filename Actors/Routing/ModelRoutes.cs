using Troupe.Actors.Forwards;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>The routes of every model version that somebody reachable holds, and who is expected back.</summary>
/// <remarks>Knows no Akka; part of a <see cref="RoutingTable"/> and of its thread.</remarks>
internal sealed class ModelRoutes(NodeId self)
{
    private readonly Dictionary<string, List<ModelRoute>> _routes = new(StringComparer.Ordinal);
    private readonly DevicesAway _away = new();

    /// <summary>Names that somebody reachable has a version of.</summary>
    public IEnumerable<string> Names => _routes.Keys;

    /// <summary>Rises whenever routes may have changed.</summary>
    public int Changes { get; private set; }

    /// <summary>Routes of a name, the highest number first.</summary>
    public List<ModelRoute> Versions(string name) => _routes.TryGetValue(name, out List<ModelRoute>? versions) ? versions : [];

    /// <summary>The route of a reference: of its number, or the highest that anyone holds; null when nobody reachable does. Forwards come
    /// with the number that <see cref="VersionChooser"/> gave them.</summary>
    public ModelRoute? Find(ModelReference model)
    {
        foreach (ModelRoute route in Versions(model.Name))
        {
            if ((model.Number ?? route.Model.Number) == route.Model.Number)
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
        foreach (ModelRoute route in Versions(model.Name))
        {
            if (route.Local.Count > 0 && (model.Number ?? route.Model.Number) == route.Model.Number)
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

    /// <summary>Whether a device has lost the model and will have it again.</summary>
    /// <param name="wanted">That device; null: any.</param>
    public bool IsComingBack(ModelReference model, GpuId? wanted) => _away.Has(model, wanted);

    /// <summary>The same of this node's devices, which say sooner than the node's snapshot that they do not have it.</summary>
    public bool IsComingBackHere(ModelReference model, GpuId? wanted) => _away.Has(model, wanted, self);

    /// <summary>Takes the routes from what the devices here report and the nodes tell.</summary>
    public void Rebuild(IReadOnlyCollection<LocalGpu> gpus, NodeSnapshot? own, IReadOnlyCollection<RemoteNode> nodes)
    {
        Changes++;
        _routes.Clear();

        // Until this node's directory says that a content serves it stands behind: it is loaded on one device after another.
        Dictionary<ModelVersion, int> here = (own?.Models ?? []).ToDictionary(known => known.Model, known => known.Generation);
        foreach (LocalGpu gpu in gpus)
        {
            foreach (ResidentModel resident in gpu.Report.Models)
            {
                ModelRoute route = RouteOf(resident.Model, here.GetValueOrDefault(resident.Model, -1));
                route.SafeToResend &= resident.SafeToResend;
                route.Local.Add(gpu);
                route.Devices++;
            }
        }

        foreach (RemoteNode node in nodes.Where(node => node.Reachable))
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

        Count(own, nodes);
    }

    /// <summary>Who is away, and how many devices have each version or will have it again: a node out of reach and a device that is rebuilt
    /// count as before, so that a fault is not taken for a roll-out.</summary>
    private void Count(NodeSnapshot? own, IReadOnlyCollection<RemoteNode> nodes)
    {
        _away.Clear();
        foreach (ModelSnapshot model in own?.Models ?? [])
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

        foreach (RemoteNode node in nodes)
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

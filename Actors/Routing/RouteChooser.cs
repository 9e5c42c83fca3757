using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Routing;

/// <summary>Where an origin router sends a forward next: an idle device here, else whoever is least busy, a hop counting as one forward
/// more.</summary>
/// <remarks>Knows no Akka; reads its router's table on its thread.</remarks>
internal sealed class RouteChooser(RoutingTable table)
{
    /// <summary>The newest content of the version that has a place, while a newer one takes the place of an older from node to
    /// node.</summary>
    public RouteChoice Choose(PendingForward pending, TimeSpan now)
    {
        ModelReference reference = pending.Model?.ToReference() ?? pending.Forward.Model;
        RouteChoice? newest = null;
        if (table.Routes.Find(reference) is { } first)
        {
            foreach (ModelRoute route in table.Routes.Versions(reference.Name))
            {
                if (route.Model.Number == first.Model.Number)
                {
                    RouteChoice choice = Choose(route, pending, now);
                    if (choice.Route is not null)
                    {
                        return choice;
                    }

                    newest ??= choice;
                }
            }
        }

        return newest ?? Unknown(reference);
    }

    private RouteChoice Choose(ModelRoute route, PendingForward pending, TimeSpan now)
    {
        Forward forward = pending.Forward;
        LocalGpu? gpu = pending.Bounced?.Contains(table.Self) == true ? null : RoutingTable.LocalFor(route, forward.Gpu);
        if (gpu is { Outstanding: 0 } || route.Remote.Count == 0)
        {
            return gpu is not null ? RouteChoice.To(route, gpu) : NoRoom(route, forward.Gpu);
        }

        long bytes = PayloadLimit.Of(forward.Inputs);
        if (bytes > PayloadLimit.Bytes)
        {
            return gpu is not null ? RouteChoice.To(route, gpu)
                : route.Local.Count > 0 && (forward.Gpu is not { } pinned || pinned.Node == table.Self) ? NoRoom(route, forward.Gpu)
                : table.Routes.IsComingBackHere(route.Model.ToReference(), forward.Gpu) ? Away(route)
                : RouteChoice.Nowhere(FailureKind.NotSupported, PayloadLimit.Refusal("inputs", bytes));
        }

        RemoteNode? node = table.RemoteFor(route, forward.Gpu, pending.Bounced, now, out double load);
        return node is not null && (gpu is null || load < gpu.Outstanding) ? RouteChoice.To(route, node)
            : gpu is not null ? RouteChoice.To(route, gpu)
            : NoRoom(route, forward.Gpu);
    }

    /// <summary>Where a suspect runs: where its line runs already, else where its death costs least; not where it was lost, if there is
    /// another place. Without a node at stake that is a device here, else one elsewhere; with one it is the node with the fewest forwards,
    /// and this one, which owes answers to its own callers, last.</summary>
    public RouteChoice ChooseAlone(PendingForward pending, SuspectLine line, TimeSpan now)
    {
        Forward forward = pending.Forward;
        if (forward.Gpu is not null || RouteOf(line) is not { } route)
        {
            return Choose(pending, now);
        }

        GpuId? lostOn = pending.Notes?.LostOn;
        LocalGpu? here = RoutingTable.LocalFor(route, line.Gpu?.Id, lostOn);
        here = here is not null && here.Id != lostOn ? here : RoutingTable.LocalFor(route, null, lostOn);
        RemoteNode? there =
            PayloadLimit.Of(forward.Inputs) <= PayloadLimit.Bytes ? table.RemoteFor(route, null, pending.Bounced, now, out _) : null;
        bool prefersHere = pending.Notes?.MayEndNode != true && here?.Id != lostOn;
        return here is not null && (prefersHere || there is null) ? RouteChoice.To(route, here)
            : there is not null ? RouteChoice.To(route, there)
            : NoRoom(route, null);
    }

    /// <summary>The one device of the cluster that runs a confined model: every router finds the same. Nowhere while it is being
    /// rebuilt; what cannot travel to it is refused, for its place must not depend on what is sent.</summary>
    public RouteChoice ChooseConfined(PendingForward pending, SuspectLine line, TimeSpan now)
    {
        if (pending.Forward.Gpu is not null || RouteOf(line) is not { } route)
        {
            return Choose(pending, now);
        }

        GpuId? first = null;
        foreach (GpuId gpu in Holders(route))
        {
            first = first is { } best && Compare(best, gpu) <= 0 ? best : gpu;
        }

        if (line.IsAwaited(first, now) || first is not { } chosen)
        {
            return NoRoom(route, null);
        }

        if (chosen.Node == table.Self)
        {
            LocalGpu? gpu = RoutingTable.LocalFor(route, chosen);
            return gpu is not null ? RouteChoice.To(route, gpu) : NoRoom(route, chosen);
        }

        long bytes = PayloadLimit.Of(pending.Forward.Inputs);
        return bytes > PayloadLimit.Bytes
            ? RouteChoice.Nowhere(
                FailureKind.NotSupported,
                $"Model '{route.Model}' is confined to device {chosen}. {PayloadLimit.Refusal("inputs", bytes)}"
            )
            : RouteChoice.To(route, table.Node(chosen.Node)!) with
            {
                Wanted = chosen,
            };

        static int Compare(GpuId one, GpuId other) =>
            string.CompareOrdinal(one.Node.ToString(), other.Node.ToString()) is not 0 and int order ? order : one.Ordinal - other.Ordinal;
    }

    /// <summary>Of the content that its suspects were launched with, else of what has taken its place.</summary>
    private ModelRoute? RouteOf(SuspectLine line) => table.Routes.Find(line.Model) ?? table.Routes.Find(line.Model.ToReference());

    private static IEnumerable<GpuId> Holders(ModelRoute route)
    {
        foreach (LocalGpu gpu in route.Local)
        {
            yield return gpu.Id;
        }

        foreach (RemoteNode node in route.Remote)
        {
            ModelSnapshot model = Array.Find(node.Snapshot.Models, known => known.Model == route.Model)!;
            foreach (GpuSnapshot gpu in node.Snapshot.Gpus)
            {
                if (gpu.Health == GpuHealth.Ready && Array.IndexOf(model.Gpus, gpu.Gpu) >= 0)
                {
                    yield return gpu.Gpu;
                }
            }
        }
    }

    private RouteChoice Unknown(ModelReference reference)
    {
        (FailureKind kind, string detail) = table.WhyUnknown(reference);
        return RouteChoice.Nowhere(kind, detail);
    }

    private static RouteChoice Away(ModelRoute route) =>
        RouteChoice.Nowhere(FailureKind.DeviceLost, $"No device here that holds model '{route.Model}' is ready at present.");

    private RouteChoice NoRoom(ModelRoute route, GpuId? wanted)
    {
        if (wanted is not { } id)
        {
            return RouteChoice.Nowhere(
                FailureKind.QueueFull,
                $"Every device that holds model '{route.Model}' is full. Send fewer forwards at once, or try again."
            );
        }

        if (table.Routes.IsComingBack(route.Model.ToReference(), id))
        {
            return RouteChoice.Nowhere(FailureKind.DeviceLost, $"Device {id}, which holds model '{route.Model}', is not ready at present.");
        }

        bool holds = route.Local.Exists(gpu => gpu.Id == id) || route.Remote.Exists(node => node.Id == id.Node);
        return holds
            ? RouteChoice.Nowhere(FailureKind.QueueFull, $"Device {id} has no room for another forward of model '{route.Model}'.")
            : RouteChoice.Nowhere(FailureKind.ModelNotLoaded, $"Model '{route.Model}' is not loaded on device {id}.");
    }
}

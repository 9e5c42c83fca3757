using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Where an origin router sends a forward next: an idle device here, else whoever is least busy, a hop counting as one forward
/// more.</summary>
/// <remarks>Knows no Akka; reads its router's table on its thread.</remarks>
internal sealed class RouteChooser(RoutingTable table)
{
    public RouteChoice Choose(PendingForward pending, TimeSpan now)
    {
        Forward forward = pending.Forward;
        ModelReference reference = pending.Model is { } version ? new ModelReference(version.Name, version.Number) : forward.Model;
        if (table.Find(reference) is not { } route)
        {
            (FailureKind kind, string detail) = table.WhyUnknown(reference);
            return RouteChoice.Nowhere(kind, detail);
        }

        LocalGpu? gpu = pending.Bounced?.Contains(table.Self) == true ? null : RoutingTable.LocalFor(route, forward.Gpu);
        if (gpu is { Outstanding: 0 } || route.Remote.Count == 0)
        {
            return gpu is not null ? RouteChoice.To(route, gpu) : NoRoom(route, forward.Gpu);
        }

        long bytes = PayloadLimit.Of(forward.Inputs);
        if (bytes > PayloadLimit.Bytes)
        {
            return gpu is not null ? RouteChoice.To(route, gpu)
                : route.Local.Count > 0 && forward.Gpu?.Node is null ? NoRoom(route, null)
                : RouteChoice.Nowhere(FailureKind.NotSupported, PayloadLimit.Refusal("inputs", bytes));
        }

        RemoteNode? node = table.RemoteFor(route, forward.Gpu, pending.Bounced, now, out double load);
        return node is not null && (gpu is null || load < gpu.Outstanding) ? RouteChoice.To(route, node)
            : gpu is not null ? RouteChoice.To(route, gpu)
            : NoRoom(route, forward.Gpu);
    }

    private static RouteChoice NoRoom(ModelRoute route, GpuId? wanted)
    {
        if (wanted is not { } id)
        {
            return RouteChoice.Nowhere(
                FailureKind.QueueFull,
                $"Every device that holds model '{route.Model}' is full. Send fewer forwards at once, or try again."
            );
        }

        bool holds = route.Local.Exists(gpu => gpu.Id == id) || route.Remote.Exists(node => node.Id == id.Node);
        return holds
            ? RouteChoice.Nowhere(FailureKind.QueueFull, $"Device {id} has no room for another forward of model '{route.Model}'.")
            : RouteChoice.Nowhere(FailureKind.ModelNotLoaded, $"Model '{route.Model}' is not loaded on device {id}.");
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Where a forward goes: a GPU here, another node, or nowhere and why.</summary>
internal readonly record struct RouteChoice(ModelRoute? Route, LocalGpu? Gpu, RemoteNode? Node, FailureKind Kind, string Detail)
{
    /// <summary>The device of <see cref="Node"/> that is to run it; null: whichever that node chooses.</summary>
    public GpuId? Wanted { get; init; }

    public static RouteChoice To(ModelRoute route, LocalGpu gpu) => new(route, gpu, null, default, "");

    public static RouteChoice To(ModelRoute route, RemoteNode node) => new(route, null, node, default, "");

    public static RouteChoice Nowhere(FailureKind kind, string detail) => new(null, null, null, kind, detail);
}

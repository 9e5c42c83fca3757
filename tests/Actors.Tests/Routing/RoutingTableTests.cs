using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Nodes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>Who has which model: what a route holds after each change, whom it prefers, and why there is none.</summary>
public sealed class RoutingTableTests
{
    private readonly RouterTable _router = new();

    private RoutingTable Table => _router.Table;

    [Fact]
    public void A_name_without_a_number_is_the_highest_version_and_an_unknown_number_none()
    {
        _router.Gpu(0, models: [RouterTable.Model(1), RouterTable.Model(3)]);
        _router.Node(RouterTable.Other, models: [RouterTable.Model(2)]);
        Assert.Equal(3, Table.Routes.Find(new ModelReference("m"))!.Model.Number);
        Assert.Equal(2, Table.Routes.Find(new ModelReference("m", 2))!.Model.Number);
        Assert.Null(Table.Routes.Find(new ModelReference("m", 4)));
        Assert.Null(Table.Routes.Find(new ModelReference("n")));
    }

    [Fact]
    public void A_sequence_near_its_end_that_somebody_made_up_silences_a_node_for_half_of_what_a_snapshot_may_be_old()
    {
        _router.Node(RouterTable.Other);
        NodeSnapshot real = Table.Node(RouterTable.Other)!.Snapshot;
        Table.UpdateFrom(real with { Sequence = long.MaxValue, Draining = true }, _router.Now);
        NodeSnapshot next = real with { Sequence = real.Sequence + 1 };
        Table.UpdateFrom(next, _router.Now + TimeSpan.FromSeconds(1.5));
        Assert.True(Table.Node(RouterTable.Other)!.Snapshot.Draining);
        Table.UpdateFrom(next, _router.Now + TimeSpan.FromSeconds(1.6));
        Assert.Equal(next, Table.Node(RouterTable.Other)!.Snapshot);

        // One that is late does not come before one that is fresh.
        Table.UpdateFrom(real, _router.Now + TimeSpan.FromSeconds(1.7));
        Assert.Equal(next, Table.Node(RouterTable.Other)!.Snapshot);
    }

    [Fact]
    public void The_least_loaded_GPU_is_taken_and_of_equals_the_one_used_longest_ago()
    {
        _router.Gpu(0);
        _router.Gpu(1);
        ModelRoute route = Table.Routes.Find(new ModelReference("m"))!;
        int[] taken =
        [
            .. Enumerable
                .Range(0, 4)
                .Select(_ =>
                {
                    LocalGpu gpu = RoutingTable.LocalFor(route, wanted: null)!;
                    Table.Use(gpu);
                    gpu.Outstanding--;
                    return gpu.Id.Ordinal;
                }),
        ];
        Assert.Equal([0, 1, 0, 1], taken);
    }

    [Fact]
    public void A_GPU_without_credit_or_out_of_service_is_passed_over()
    {
        _router.Gpu(0, credits: 1);
        _router.Gpu(1, health: GpuHealth.Rebuilding);
        ModelRoute route = Table.Routes.Find(new ModelReference("m"))!;
        Table.Use(RoutingTable.LocalFor(route, wanted: null)!);
        Assert.Null(RoutingTable.LocalFor(route, wanted: null));
        Assert.Null(RoutingTable.LocalFor(route, new GpuId(RouterTable.Self, 1)));
    }

    [Fact]
    public void A_node_is_taken_by_load_unless_it_drains_was_not_heard_of_or_sent_it_back()
    {
        _router.Node(RouterTable.Other, queued: 4);
        _router.Node(RouterTable.Third, queued: 1);
        ModelRoute route = Table.Routes.Find(new ModelReference("m"))!;
        Assert.Equal(RouterTable.Third, Table.RemoteFor(route, null, null, _router.Now, out _)!.Id);
        Assert.Equal(RouterTable.Other, Table.RemoteFor(route, null, [RouterTable.Third], _router.Now, out _)!.Id);
        Assert.Equal(RouterTable.Other, Table.RemoteFor(route, new GpuId(RouterTable.Other, 0), null, _router.Now, out _)!.Id);
        Assert.Null(Table.RemoteFor(route, null, null, _router.Now + TimeSpan.FromSeconds(4), out double load));
        Assert.Equal(double.PositiveInfinity, load);
        _router.Node(RouterTable.Third, draining: true);
        Assert.Equal(RouterTable.Other, Table.RemoteFor(Table.Routes.Find(new ModelReference("m"))!, null, null, _router.Now, out _)!.Id);
    }

    [Fact]
    public void A_node_that_began_another_life_is_told_and_an_older_word_of_it_is_not_heard()
    {
        Assert.False(_router.Node(RouterTable.Other));
        Assert.False(_router.Node(RouterTable.Other));
        Assert.True(_router.Node(RouterTable.Other, incarnation: 2));
        Assert.Equal(2UL, Table.Node(RouterTable.Other)!.Snapshot.Incarnation.Value);
    }

    [Fact]
    public void Why_a_model_has_no_route_is_told()
    {
        Assert.Equal(FailureKind.ModelNotLoaded, Table.WhyUnknown(new ModelReference("m")).Kind);
        _router.Node(RouterTable.Other);
        Table.SetReachable(RouterTable.Other, reachable: false);
        Assert.Null(Table.Routes.Find(new ModelReference("m")));
        (FailureKind kind, string detail) = Table.WhyUnknown(new ModelReference("m"));
        Assert.Equal(FailureKind.NodeUnreachable, kind);
        Assert.Contains("b:1", detail, StringComparison.Ordinal);
        Table.Remove(RouterTable.Other);
        Assert.Equal(FailureKind.ModelNotLoaded, Table.WhyUnknown(new ModelReference("m")).Kind);
    }

    [Fact]
    public void The_view_lists_who_is_reached_and_who_is_not()
    {
        _router.Node(RouterTable.Other);
        _router.Node(RouterTable.Third);
        Table.SetReachable(RouterTable.Third, reachable: false);
        Assert.Equal([RouterTable.Other], Table.View().Nodes.Select(node => node.Node));
        Assert.Equal([RouterTable.Third], Table.View().Unreachable);
    }
}

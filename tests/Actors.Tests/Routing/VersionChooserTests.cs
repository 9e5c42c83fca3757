using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Routing;

/// <summary>Which version an unversioned forward takes while versions come and go on a cluster.</summary>
public sealed class VersionChooserTests
{
    private readonly RouterTable _router = new();

    [Fact]
    public void A_higher_version_takes_over_once_it_is_on_as_many_devices_as_the_one_before()
    {
        _router.Gpu(0, models: RouterTable.Model(1));
        _router.Gpu(1, models: RouterTable.Model(1));
        _router.Node(RouterTable.Other, models: RouterTable.Model(1));
        Assert.Equal(1, Taken());
        _router.Gpu(0, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Assert.Equal(1, Taken());
        _router.Gpu(1, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Assert.Equal(1, Taken());
        _router.Node(RouterTable.Other, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Assert.Equal(2, Taken());
    }

    [Fact]
    public void The_version_that_has_taken_over_stays_while_a_device_has_it_or_will_have_it_again()
    {
        _router.Gpu(0, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        _router.Gpu(1, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Assert.Equal(2, Taken());
        _router.Gpu(1, models: RouterTable.Model(1));
        Assert.Equal(2, Taken());
        _router.Gpu(0, models: RouterTable.Model(1));
        _router.Own([], [0], number: 2);
        Assert.Equal(2, _router.Versions.Resolve(_router.Forward()).Model.Number);
        _router.Own([], [], number: 2);
        _router.Gpu(0, models: RouterTable.Model(1));
        Assert.Equal(1, Taken());
    }

    [Fact]
    public void A_device_that_is_lost_is_not_taken_for_a_roll_out()
    {
        _router.Gpu(0, models: RouterTable.Model(1));
        _router.Node(RouterTable.Other, models: RouterTable.Model(1));
        _router.Node(RouterTable.Third, models: RouterTable.Model(2));
        Assert.Equal(1, Taken());
        _router.Node(RouterTable.Other, awaited: true, models: RouterTable.Model(1));
        Assert.Equal(1, Taken());
        _router.Table.SetReachable(RouterTable.Other, false);
        Assert.Equal(1, Taken());
        _router.Table.Remove(RouterTable.Other);
        Assert.Equal(2, Taken());
    }

    [Fact]
    public void A_version_that_goes_while_a_forward_is_on_its_way_is_replaced_by_the_next_for_who_named_none()
    {
        _router.Gpu(0, credits: 100, models: RouterTable.Model(1));
        Forward free = _router.Forward();
        Forward chosen = _router.Forward(number: 1) with { TakesOtherVersion = true };
        Forward named = _router.Forward(number: 1);
        foreach (Forward forward in (Forward[])[free, chosen, named])
        {
            Assert.Equal(1, Number(_router.Accept(forward)));
        }

        _router.Gpu(0, credits: 100, models: RouterTable.Model(2));
        foreach (Forward forward in (Forward[])[free, chosen])
        {
            Assert.Equal(2, Number(_router.End(forward.Id, 1, RetryAdvice.Bounce, null, FailureKind.ModelNotLoaded)));
        }

        RouterDecision refused = _router.End(named.Id, 1, RetryAdvice.Bounce, null, FailureKind.ModelNotLoaded);
        Assert.Equal(FailureKind.ModelNotLoaded, RouterTable.Refused(refused).Kind);
    }

    [Fact]
    public void While_a_content_is_replaced_from_node_to_node_what_the_newer_cannot_take_goes_to_the_older()
    {
        _router.Gpu(0, credits: 2, models: RouterTable.Model(1, content: 1));
        _router.Node(RouterTable.Other, generation: 1, models: RouterTable.Model(1, content: 2));
        RouterDecision large = _router.Accept(_router.Forward(bytes: 100_000));
        Assert.Equal((RouterAction.Dispatch, RouterTable.Model(1, content: 1)), (large.Action, large.Dispatched!.Model));
        Assert.Equal(RouterAction.Send, _router.Accept(_router.Forward()).Action);
        _router.Node(RouterTable.Other, queued: 8, generation: 1, models: RouterTable.Model(1, content: 2));
        Assert.Equal(RouterAction.Dispatch, _router.Accept(_router.Forward()).Action);
        Assert.Equal(FailureKind.QueueFull, RouterTable.Refused(_router.Accept(_router.Forward())).Kind);
    }

    [Fact]
    public void A_session_may_say_another_share_than_its_model()
    {
        var session = new SessionId(Guid.NewGuid());
        _router.Gpu(0, credits: 100, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        _router.Gpu(1, credits: 100, models: RouterTable.Model(1));
        _router.Rules.UpdateFrom(InForce((new ModeScope(Session: session), VersionChoice.NewestFrom(0.5))));
        Assert.Equal((1, 2), (Taken(), Taken(session: session)));
        Assert.Equal(2, Taken(call: VersionChoice.NewestFrom(0.5)));
    }

    [Fact]
    public void A_smaller_share_of_devices_is_enough_where_the_mode_says_so()
    {
        for (int device = 0; device < 4; device++)
        {
            _router.Gpu(device, models: device < 2 ? [RouterTable.Model(1), RouterTable.Model(2)] : [RouterTable.Model(1)]);
        }

        Assert.Equal(1, Taken());
        Say(ModeScope.Cluster, VersionChoice.NewestFrom(0.5));
        Assert.Equal(2, Taken());
    }

    [Fact]
    public void A_pin_holds_whatever_is_loaded_and_a_version_that_nobody_has_is_not_replaced_by_another()
    {
        _router.Gpu(0, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Say(new ModeScope(Model: new ModelReference("m")), VersionChoice.Pinned(1));
        Assert.Equal(1, Taken());
        _router.Gpu(0, models: RouterTable.Model(2));
        ForwardReply.Failed failed = RouterTable.Refused(_router.Accept(_router.Forward()));
        Assert.Equal(FailureKind.ModelNotLoaded, failed.Kind);
        Assert.Contains("m/1", failed.Detail, StringComparison.Ordinal);
        Assert.Equal(2, Number(_router.Accept(_router.Forward(number: 2))));
    }

    [Fact]
    public void Weights_share_forwards_and_those_of_a_session_go_together()
    {
        _router.Gpu(0, credits: int.MaxValue, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        Say(ModeScope.Cluster, VersionChoice.Weighted((1, 3), (2, 1)));
        int[] taken = [.. Enumerable.Range(0, 1000).Select(_ => Taken())];
        Assert.InRange(taken.Count(number => number == 2), 190, 310);
        for (int i = 0; i < 20; i++)
        {
            var session = new SessionId(Guid.NewGuid());
            Assert.Single(Enumerable.Range(0, 20).Select(_ => Taken(session: session)).Distinct());
        }

        _router.Gpu(0, credits: int.MaxValue, models: RouterTable.Model(2));
        Assert.Equal(2, Assert.Single(Enumerable.Range(0, 20).Select(_ => Taken()).Distinct()));
    }

    [Fact]
    public void A_call_says_it_for_itself_and_a_session_before_its_model()
    {
        var session = new SessionId(Guid.NewGuid());
        _router.Gpu(0, credits: 100, models: [RouterTable.Model(1), RouterTable.Model(2)]);
        _router.Rules.UpdateFrom(
            InForce(
                (new ModeScope(Model: new ModelReference("m")), VersionChoice.Pinned(2)),
                (new ModeScope(Session: session), VersionChoice.Pinned(1))
            )
        );
        Assert.Equal(2, Taken());
        Assert.Equal(1, Taken(session: session));
        Assert.Equal(2, Taken(session: session, call: VersionChoice.Newest));
    }

    private int Taken(SessionId? session = null, VersionChoice? call = null) =>
        Number(
            _router.Accept(
                _router.Forward() with
                {
                    Session = session,
                    Modes = call is { } choice ? new ModeChange { Version = choice } : null,
                }
            )
        );

    private static int Number(RouterDecision decision) => decision.Dispatched?.Model.Number ?? decision.Route!.Forward.Model.Number!.Value;

    private void Say(ModeScope scope, VersionChoice choice) => _router.Rules.UpdateFrom(InForce((scope, choice)));

    private static ModesInForce InForce(params (ModeScope Scope, VersionChoice Choice)[] set) =>
        ModesInForce.Of(
            set.SelectMany(
                (one, index) =>
                    one.Scope.Session is null
                        ? new[] { Entry(index, one.Scope, one.Choice) }
                        : [Entry(index, one.Scope, one.Choice), Entry(index + set.Length, one.Scope, null) with { IsSession = true }]
            ),
            static _ => true,
            set.Length
        );

    private static ModeEntry Entry(int index, ModeScope scope, VersionChoice? choice) =>
        new(
            new ModeStamp(index + 1, new NodeIncarnation(1), index + 1),
            null,
            scope,
            new ModeChange { Version = choice },
            RouterTable.Self
        );
}

using Troupe.Actors.Forwards;
using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Tests.Routing;

/// <summary>Batch forwards wait before they are admitted, where no deadline runs, until a device has little to do.</summary>
public sealed class BatchWaitingTests
{
    private readonly RouterTable _router = new();
    private readonly BatchWaiting _batch;

    public BatchWaitingTests() => _batch = new BatchWaiting(_router.Table, _router.Versions, _router.Origin, _router.Recorder.Queue);

    [Fact]
    public void As_many_are_admitted_as_keep_a_device_busy_and_the_rest_in_their_order()
    {
        _router.Gpu(0, credits: 100);
        Forward[] forwards = [.. Enumerable.Range(0, 7).Select(_ => Accept())];

        Assert.Equal(forwards[..BatchWaiting.Busy].Select(forward => forward.Id), Dispatched());
        Assert.Equal(3, _batch.Count);
        for (int i = 0; i < 3; i++)
        {
            Finish(forwards[i]);
            Assert.Equal([forwards[BatchWaiting.Busy + i].Id], Dispatched());
        }

        Assert.Equal(0, _batch.Count);
    }

    [Fact]
    public void None_is_admitted_while_online_forwards_keep_the_devices_busy()
    {
        _router.Gpu(0, credits: 100);
        Forward[] online =
        [
            .. Enumerable
                .Range(0, BatchWaiting.Busy)
                .Select(_ =>
                {
                    Forward forward = _router.Forward();
                    _router.Accept(forward);
                    return forward;
                }),
        ];
        Dispatched();
        Forward batch = Accept();
        Assert.Empty(Dispatched());

        Finish(online[0]);
        Assert.Equal([batch.Id], Dispatched());
    }

    [Fact]
    public void Its_deadline_runs_from_its_admission()
    {
        _router.Gpu(0, credits: 100);
        Forward[] forwards = [.. Enumerable.Range(0, BatchWaiting.Busy + 1).Select(_ => Accept(seconds: 1))];
        _router.Now += TimeSpan.FromHours(1);
        _router.Origin.Tick(_router.Now);
        _batch.Admit(_router.Now);
        _ = _router.Decisions;
        Assert.All(
            forwards[..^1],
            forward => Assert.Equal(FailureKind.DeadlineExceeded, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(forward.Id)).Kind)
        );
        Assert.Null(_router.Sink.Of(forwards[^1].Id));

        // Its devices release what was dropped: now it goes, with all of its time.
        _router.Decisions.Clear();
        Finish(forwards[0]);
        Assert.Equal(
            _router.Now + TimeSpan.FromSeconds(1),
            _router.Decisions.Single(decision => decision.Action == RouterAction.Dispatch).Dispatched!.Deadline
        );
    }

    [Fact]
    public void One_that_finds_every_queue_full_waits_again_at_the_front()
    {
        _router.Gpu(0, credits: 100);
        Forward first = Accept();
        Forward[] filling = [.. Enumerable.Range(1, BatchWaiting.Busy).Select(_ => Accept())];
        _router.Decisions.Clear();
        Bounce(first);
        _ = _router.Decisions;
        Assert.Null(_router.Sink.Of(first.Id));
        Assert.Equal(2, _batch.Count);

        _batch.Admit(_router.Now);
        Assert.Equal([first.Id], Dispatched());
        Assert.Equal(1, _batch.Count);
        Finish(filling[0]);
        Assert.Equal([filling[^1].Id], Dispatched());
    }

    [Fact]
    public void Those_that_find_every_queue_full_wait_again_in_the_order_in_which_they_came()
    {
        _router.Gpu(0, credits: 100);
        Forward[] forwards = [.. Enumerable.Range(0, BatchWaiting.Busy + 1).Select(_ => Accept())];
        Dispatched();
        foreach (Forward forward in forwards[..^1])
        {
            Bounce(forward);
            _ = _router.Decisions;
        }

        Assert.Equal(forwards.Length, _batch.Count);
        _batch.Admit(_router.Now);
        Assert.Equal(forwards[..^1].Select(forward => forward.Id), Dispatched());
    }

    [Fact]
    public void Inputs_that_cannot_travel_wait_for_a_device_here_and_for_no_other_node()
    {
        _router.Gpu(0, credits: 100);
        _router.Node(RouterTable.Other);
        Forward[] forwards = [.. Enumerable.Range(0, 50).Select(_ => Accept(bytes: PayloadLimit.Bytes + 1))];
        Assert.Equal(forwards[..BatchWaiting.Busy].Select(forward => forward.Id), Dispatched());
        Assert.Equal(forwards.Length - BatchWaiting.Busy, _batch.Count);
        Assert.Equal(BatchWaiting.Busy, _router.Origin.Pending);

        Finish(forwards[0]);
        Assert.Equal([forwards[BatchWaiting.Busy].Id], Dispatched());
    }

    [Fact]
    public void Inputs_that_cannot_travel_are_refused_where_no_device_here_holds_the_model()
    {
        _router.Node(RouterTable.Other, queued: BatchWaiting.Busy);
        Forward batch = Accept(bytes: PayloadLimit.Bytes + 1);
        _ = _router.Decisions;

        Assert.Equal(FailureKind.NotSupported, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(batch.Id)).Kind);
    }

    [Fact]
    public void A_device_that_does_not_hold_the_model_is_not_waited_for()
    {
        _router.Gpu(0, credits: 100);
        Forward batch = Accept(gpu: new GpuId(RouterTable.Self, 1));
        Forward elsewhere = Accept(gpu: new GpuId(RouterTable.Other, 0));
        _ = _router.Decisions;

        Assert.Equal(FailureKind.ModelNotLoaded, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(batch.Id)).Kind);
        Assert.Equal(FailureKind.ModelNotLoaded, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(elsewhere.Id)).Kind);
        Assert.Equal(0, _batch.Count);
    }

    [Fact]
    public void A_device_of_another_node_that_does_not_hold_the_model_is_asked_once()
    {
        _router.Node(RouterTable.Other);
        Forward batch = Accept(gpu: new GpuId(RouterTable.Other, 1));
        Assert.Equal(RouterAction.Send, Assert.Single(_router.Decisions).Action);
        _router.Origin.End(
            new ForwardOutcome(1, new ForwardReply.Failed(batch.Id, FailureKind.QueueFull, "full"), RetryAdvice.Bounce),
            RouterTable.Other,
            _router.Now
        );
        _ = _router.Decisions;

        Assert.Equal(FailureKind.QueueFull, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(batch.Id)).Kind);
        Assert.Equal(0, _batch.Count);
    }

    [Fact]
    public void Another_model_does_not_wait_behind_one_without_room()
    {
        ModelVersion other = new("other", 1, default);
        _router.Gpu(0, credits: 100);
        _router.Gpu(1, credits: 100, models: other);
        Forward[] stuck = [.. Enumerable.Range(0, BatchWaiting.Busy + 1).Select(_ => Accept())];
        Dispatched();
        Forward free = Accept(model: "other");

        Assert.Equal([free.Id], Dispatched());
        Assert.Equal(1, _batch.Count);
        Assert.Null(_router.Sink.Of(stuck[^1].Id));
    }

    [Fact]
    public void Another_node_takes_some_and_is_told_their_class()
    {
        _router.Node(RouterTable.Other);
        Forward batch = Accept();

        RouterDecision sent = Assert.Single(_router.Decisions);
        Assert.Equal((RouterAction.Send, batch.Id, ForwardClass.Batch), (sent.Action, sent.Route!.Forward.Id, sent.Route.Forward.Class));
        _router.Node(RouterTable.Other, queued: BatchWaiting.Busy);
        Accept();
        Assert.Equal(1, _batch.Count);
    }

    [Fact]
    public void A_model_that_nobody_holds_is_not_waited_for()
    {
        Forward batch = Accept();
        _ = _router.Decisions;

        Assert.Equal(FailureKind.ModelNotLoaded, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(batch.Id)).Kind);
    }

    [Fact]
    public void Whoever_waits_can_be_cancelled_and_is_answered_when_the_node_drains()
    {
        _router.Gpu(0, credits: 100);
        Forward[] forwards = [.. Enumerable.Range(0, BatchWaiting.Busy + 2).Select(_ => Accept())];

        Assert.True(_batch.TryCancel(forwards[^1].Id));
        Assert.False(_batch.TryCancel(forwards[0].Id));
        _batch.Drain();
        _router.Origin.Drain();
        _ = _router.Decisions;
        Assert.Equal(FailureKind.Cancelled, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(forwards[^1].Id)).Kind);
        Assert.Equal(FailureKind.Draining, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(forwards[^2].Id)).Kind);
        Assert.Equal(0, _batch.Count);

        Forward late = Accept();
        _ = _router.Decisions;
        Assert.Equal(FailureKind.Draining, Assert.IsType<ForwardReply.Failed>(_router.Sink.Of(late.Id)).Kind);
        Assert.Empty(_router.Sink.Twice);
    }

    private Forward Accept(string model = "m", double seconds = 30, int bytes = 4, GpuId? gpu = null)
    {
        Forward forward = _router.Forward(bytes, gpu, seconds: seconds) with
        {
            Model = new ModelReference(model),
            Class = ForwardClass.Batch,
        };
        _batch.Accept(forward, _router.Sink, _router.Now);
        return forward;
    }

    /// <summary>What was dispatched since the last time.</summary>
    private RequestId[] Dispatched()
    {
        RequestId[] dispatched =
        [
            .. _router
                .Decisions.Where(decision => decision.Action == RouterAction.Dispatch)
                .Select(decision => decision.Dispatched!.Forward.Id),
        ];
        _router.Decisions.Clear();
        return dispatched;
    }

    /// <summary>A device has released it because its queue was full.</summary>
    private void Bounce(Forward forward) =>
        _router.Origin.Release(
            new GpuRelease(
                0,
                forward.Id,
                1,
                new ForwardOutcome(1, new ForwardReply.Failed(forward.Id, FailureKind.QueueFull, "full"), RetryAdvice.Final)
            ),
            _router.Now
        );

    private void Finish(Forward forward)
    {
        _router.Origin.Release(
            new GpuRelease(
                0,
                forward.Id,
                1,
                new ForwardOutcome(
                    1,
                    new ForwardReply.Succeeded(
                        forward.Id,
                        Array.Empty<Tensor>(),
                        new ForwardReport(RouterTable.Model(), default, 0, 1, default)
                    ),
                    RetryAdvice.Final
                )
            ),
            _router.Now
        );
        _batch.Admit(_router.Now);
    }
}

using Troupe.Actors.Routing;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Actors.Tests.Routing;

/// <summary>The one terminal reply ends the leases of its own forward's inputs, and of no other's.</summary>
public sealed class AcceptForwardTests
{
    private readonly HostMemory _memory = new();
    private readonly CountingSink _sink = new();

    [Fact]
    public void The_reply_ends_the_leases_of_the_inputs_before_the_caller_hears_it()
    {
        AcceptForward accept = Accept(1);

        accept.Complete(Failed(1));

        Assert.Equal((1, 0), (_sink.Count, _memory.Snapshot().Leases));
        Assert.Throws<TensorLeaseException>(() => accept.Forward.Inputs[0].Data.Span[0]);
    }

    [Fact]
    public void A_strangers_reply_is_an_error_and_ends_nothing()
    {
        AcceptForward accept = Accept(1);

        TensorLeaseException error = Assert.Throws<TensorLeaseException>(() => accept.Complete(Failed(2)));

        Assert.Contains($"{Failed(2).Id} came to forward {Failed(1).Id}", error.Message, StringComparison.Ordinal);
        Assert.Equal((0, 1), (_sink.Count, _memory.Snapshot().Leases));
        accept.Complete(Failed(1));
        Assert.Equal((1, 0), (_sink.Count, _memory.Snapshot().Leases));
    }

    [Fact]
    public void A_forward_that_was_sent_twice_is_answered_twice_and_its_leases_end_once()
    {
        AcceptForward first = Accept(1);
        var second = new AcceptForward(first.Forward, new CountingSink());

        first.Complete(Failed(1));

        Assert.Throws<TensorLeaseException>(() => second.Complete(Failed(1)));
        Assert.Equal(0, _memory.Snapshot().Leases);
    }

    private AcceptForward Accept(ulong id) =>
        new(
            new Forward
            {
                Id = new RequestId(new NodeIncarnation(1), id),
                Model = new ModelReference("m"),
                Inputs = [new Tensor("x", ElementType.UInt8, new TensorShape(3), new TensorPayload.Leased(_memory.Lease(3), 3))],
            },
            _sink
        );

    private static ForwardReply.Failed Failed(ulong id) => new(new RequestId(new NodeIncarnation(1), id), FailureKind.Cancelled, "because");
}

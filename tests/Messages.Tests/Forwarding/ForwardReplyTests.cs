using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Tests.Forwarding;

/// <summary>The one terminal answer is one of a closed family.</summary>
public sealed class ForwardReplyTests
{
    [Fact]
    public void There_are_two_replies_and_nobody_adds_a_third()
    {
        Type[] cases = [.. typeof(ForwardReply).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(ForwardReply)))];
        Assert.Equal(
            [nameof(ForwardReply.Failed), nameof(ForwardReply.Succeeded)],
            cases.Select(type => type.Name).Order(StringComparer.Ordinal)
        );
        Assert.All(cases, type => Assert.True(type.IsSealed));
        Assert.All(typeof(ForwardReply).GetConstructors(), constructor => Assert.False(constructor.IsPublic));
    }

    [Fact]
    public void A_reply_names_the_request_it_ends()
    {
        RequestId id = new(new NodeIncarnation(3), 7);
        Assert.Equal(id, new ForwardReply.Failed(id, FailureKind.QueueFull, "full").Id);
    }

    [Fact]
    public void A_forward_that_states_no_time_has_thirty_seconds()
    {
        Forward forward = new()
        {
            Id = new RequestId(new NodeIncarnation(1), 1),
            Model = new ModelReference("m"),
            Inputs = [],
        };
        Assert.Equal(TimeSpan.FromSeconds(30), forward.TimeLeft);
        Assert.Empty(forward.Outputs);
        Assert.Null(forward.Modes);
    }
}

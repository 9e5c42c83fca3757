using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Failures;

public sealed class FailureSlotTests
{
    [Fact]
    public void The_first_failure_of_a_submission_stays_and_is_there_once()
    {
        FailureSlot slot = new();
        Assert.True(slot.IsEmpty);
        slot.Fail(FailureKind.BackendFailed, "first");
        slot.Fail(FailureKind.Internal, "second");
        Assert.False(slot.IsEmpty);
        Assert.Equal("first", slot.Remove()!.Message);
        Assert.Null(slot.Remove());
        Assert.True(slot.IsEmpty);
    }

    [Fact]
    public void Of_failures_at_once_one_stays()
    {
        FailureSlot slot = new();
        Parallel.For(0, 100, index => slot.Fail(FailureKind.BackendFailed, $"{index}"));
        Assert.Equal(FailureKind.BackendFailed, slot.Remove()!.Kind);
        Assert.Null(slot.Remove());
    }
}

using Troupe.Messages.Failures;

namespace Troupe.Messages.Tests.Failures;

/// <summary>The numbers travel: none is reused, none changes.</summary>
public sealed class FailureKindTests
{
    [Theory]
    [InlineData(FailureKind.InvalidRequest, 1)]
    [InlineData(FailureKind.InvalidInput, 2)]
    [InlineData(FailureKind.ModelNotLoaded, 3)]
    [InlineData(FailureKind.QueueFull, 4)]
    [InlineData(FailureKind.DeadlineExceeded, 5)]
    [InlineData(FailureKind.Cancelled, 6)]
    [InlineData(FailureKind.ModeConflict, 7)]
    [InlineData(FailureKind.NotSupported, 8)]
    [InlineData(FailureKind.OutOfDeviceMemory, 9)]
    [InlineData(FailureKind.BackendFailed, 10)]
    [InlineData(FailureKind.DeviceLost, 11)]
    [InlineData(FailureKind.NodeUnreachable, 12)]
    [InlineData(FailureKind.Draining, 13)]
    [InlineData(FailureKind.InvalidModel, 14)]
    [InlineData(FailureKind.AlreadyExists, 15)]
    [InlineData(FailureKind.NotFound, 16)]
    [InlineData(FailureKind.Internal, 17)]
    public void A_kind_keeps_its_number(FailureKind kind, int number) => Assert.Equal(number, (int)kind);

    [Fact]
    public void No_two_kinds_share_a_number()
    {
        int[] numbers = [.. Enum.GetNames<FailureKind>().Select(name => (int)Enum.Parse<FailureKind>(name))];
        Assert.Equal(numbers.Length, numbers.Distinct().Count());
    }
}

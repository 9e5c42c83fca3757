using Troupe.Hosting.Failures;
using Troupe.Messages.Failures;

namespace Troupe.Hosting.Tests.Failures;

/// <summary>Every kind of failure has one row, and the rows agree with each other.</summary>
public sealed class FailureMapTests
{
    public static TheoryData<FailureKind> Kinds => [.. Enum.GetValues<FailureKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public void Every_kind_has_one_row_and_a_failure_is_a_failure_everywhere(FailureKind kind)
    {
        FailureRow row = Assert.Single(FailureMap.Rows, one => one.Kind == kind);

        Assert.Same(row, FailureMap.Of(kind));
        Assert.InRange(row.Http, 400, 599);
        Assert.InRange(row.Load, 400, 599);
        Assert.True(Enum.IsDefined(row.Grpc) && row.Grpc is not (GrpcStatus.Ok or GrpcStatus.Unknown));
        Assert.NotEqual(ExitCode.Success, row.Exit);
        Assert.Equal(row.Exit, FailureMap.Exit(row.Http));
    }

    /// <summary>What clients, dashboards and scripts were told, written down once more: a row that changes is a change for them.</summary>
    [Theory]
    [InlineData(FailureKind.Unknown, 500, 400, "Text", 13, "Other", 7, "Never")]
    [InlineData(FailureKind.InvalidRequest, 400, 400, "Json", 3, null, 7, "Never")]
    [InlineData(FailureKind.InvalidInput, 400, 400, "Json", 3, null, 7, "Never")]
    [InlineData(FailureKind.ModelNotLoaded, 404, 400, "Text", 5, null, 6, "Never")]
    [InlineData(FailureKind.QueueFull, 503, 400, "Text", 14, "Rejected", 7, "Later")]
    [InlineData(FailureKind.DeadlineExceeded, 503, 400, "Text", 4, "Rejected", 7, "Later")]
    [InlineData(FailureKind.Cancelled, 499, 400, "Text", 1, "Canceled", 7, "Never")]
    [InlineData(FailureKind.ModeConflict, 400, 400, "Text", 9, null, 7, "Never")]
    [InlineData(FailureKind.NotSupported, 501, 400, "Text", 12, null, 7, "Never")]
    [InlineData(FailureKind.OutOfDeviceMemory, 503, 400, "Text", 8, "Backend", 7, "Later")]
    [InlineData(FailureKind.BackendFailed, 500, 400, "Text", 13, "Backend", 7, "Never")]
    [InlineData(FailureKind.DeviceLost, 503, 400, "Text", 14, "Backend", 7, "Later")]
    [InlineData(FailureKind.NodeUnreachable, 503, 400, "Text", 14, "Other", 7, "Later")]
    [InlineData(FailureKind.Draining, 503, 503, "Text", 14, "Rejected", 7, "Elsewhere")]
    [InlineData(FailureKind.InvalidModel, 400, 400, "Text", 9, "Other", 7, "Never")]
    [InlineData(FailureKind.AlreadyExists, 400, 400, "Text", 6, "Other", 7, "Never")]
    [InlineData(FailureKind.NotFound, 404, 400, "Text", 5, "Other", 6, "Never")]
    [InlineData(FailureKind.Internal, 500, 400, "Text", 13, "Other", 7, "Never")]
    public void A_kind_is_this_over_http_and_grpc_in_counters_and_as_exit_code(
        FailureKind kind,
        int http,
        int load,
        string label,
        int grpc,
        string? reason,
        int exit,
        string retry
    )
    {
        FailureRow row = FailureMap.Of(kind);

        Assert.Equal(
            (http, load, label, grpc, reason, exit, retry),
            (row.Http, row.Load, row.Label.ToString(), (int)row.Grpc, row.Reason?.ToString(), (int)row.Exit, row.Retry.ToString())
        );
    }

    [Theory]
    [InlineData(-7)]
    [InlineData(999)]
    public void A_kind_of_a_newer_node_is_answered_as_a_defect(int kind) =>
        Assert.Equal(FailureKind.Internal, FailureMap.Of((FailureKind)kind).Kind);

    [Theory]
    [InlineData(404, 6)]
    [InlineData(405, 7)]
    [InlineData(503, 7)]
    public void A_command_exits_by_the_status_it_got(int status, int exit) => Assert.Equal(exit, (int)FailureMap.Exit(status));

    [Fact]
    public void Grpc_statuses_have_the_numbers_of_the_protocol() =>
        Assert.Equal(
            "Ok Cancelled Unknown InvalidArgument DeadlineExceeded NotFound AlreadyExists PermissionDenied ResourceExhausted FailedPrecondition Aborted OutOfRange Unimplemented Internal Unavailable DataLoss Unauthenticated",
            string.Join(' ', Enumerable.Range(0, 17).Select(number => (GrpcStatus)number))
        );
}

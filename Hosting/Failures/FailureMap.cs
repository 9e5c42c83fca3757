using Troupe.Messages.Failures;
using static Troupe.Hosting.Failures.CallerAdvice;
using static Troupe.Hosting.Failures.FailureLabel;
using static Troupe.Hosting.Failures.FailureReason;

namespace Troupe.Hosting.Failures;

/// <summary>The one place that says what a failure is outside the node: over HTTP and gRPC, in the counters, as an exit code, and whether
/// to
/// try again.</summary>
internal static class FailureMap
{
    /// <summary>One row per kind. A fault of the caller is 400, also where Triton says 500.</summary>
    public static IReadOnlyList<FailureRow> Rows { get; } =
    [
        new(FailureKind.Unknown, 500, 400, Text, GrpcStatus.Internal, Other, ExitCode.Refused, Never),
        new(FailureKind.InvalidRequest, 400, 400, Json, GrpcStatus.InvalidArgument, null, ExitCode.Refused, Never),
        new(FailureKind.InvalidInput, 400, 400, Json, GrpcStatus.InvalidArgument, null, ExitCode.Refused, Never),
        new(FailureKind.ModelNotLoaded, 404, 400, Text, GrpcStatus.NotFound, null, ExitCode.NotFound, Never),
        new(FailureKind.QueueFull, 503, 400, Text, GrpcStatus.Unavailable, Rejected, ExitCode.Refused, Later),
        new(FailureKind.DeadlineExceeded, 503, 400, Text, GrpcStatus.DeadlineExceeded, Rejected, ExitCode.Refused, Later),
        new(FailureKind.Cancelled, 499, 400, Text, GrpcStatus.Cancelled, Canceled, ExitCode.Refused, Never),
        new(FailureKind.ModeConflict, 400, 400, Text, GrpcStatus.FailedPrecondition, null, ExitCode.Refused, Never),
        new(FailureKind.NotSupported, 501, 400, Text, GrpcStatus.Unimplemented, null, ExitCode.Refused, Never),
        new(FailureKind.OutOfDeviceMemory, 503, 400, Text, GrpcStatus.ResourceExhausted, Backend, ExitCode.Refused, Later),
        new(FailureKind.BackendFailed, 500, 400, Text, GrpcStatus.Internal, Backend, ExitCode.Refused, Never),
        new(FailureKind.DeviceLost, 503, 400, Text, GrpcStatus.Unavailable, Backend, ExitCode.Refused, Later),
        new(FailureKind.NodeUnreachable, 503, 400, Text, GrpcStatus.Unavailable, Other, ExitCode.Refused, Later),
        new(FailureKind.Draining, 503, 503, Text, GrpcStatus.Unavailable, Rejected, ExitCode.Refused, Elsewhere),
        new(FailureKind.InvalidModel, 400, 400, Text, GrpcStatus.FailedPrecondition, Other, ExitCode.Refused, Never),
        new(FailureKind.AlreadyExists, 400, 400, Text, GrpcStatus.AlreadyExists, Other, ExitCode.Refused, Never),
        new(FailureKind.NotFound, 404, 400, Text, GrpcStatus.NotFound, Other, ExitCode.NotFound, Never),
        new(FailureKind.Internal, 500, 400, Text, GrpcStatus.Internal, Other, ExitCode.Refused, Never),
    ];

    private static readonly FailureRow Defect = Rows.Single(row => row.Kind == FailureKind.Internal);

    private static readonly FailureRow?[] ByNumber = Numbered();

    /// <summary>The row of a kind; a number that is no kind is answered as a defect.</summary>
    public static FailureRow Of(FailureKind kind) => (uint)Index(kind) < (uint)ByNumber.Length ? ByNumber[Index(kind)] ?? Defect : Defect;

    /// <summary>What a command exits with that got this HTTP status: every kind with one status has the same.</summary>
    public static ExitCode Exit(int status) => Rows.FirstOrDefault(row => row.Http == status)?.Exit ?? ExitCode.Refused;

    private static FailureRow?[] Numbered()
    {
        FailureRow?[] numbered = new FailureRow?[Rows.Max(row => Index(row.Kind)) + 1];
        foreach (FailureRow row in Rows)
        {
            numbered[Index(row.Kind)] = row;
        }

        return numbered;
    }

    private static int Index(FailureKind kind) => kind - FailureKind.Unknown;
}

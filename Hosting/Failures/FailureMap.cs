using Troupe.Messages.Failures;

namespace Troupe.Hosting.Failures;

/// <summary>What a failure of a forward or a request is at the edge.</summary>
internal static class FailureMap
{
    /// <summary>HTTP status of a failure.</summary>
    public static int Status(FailureKind kind) =>
        kind switch
        {
            FailureKind.InvalidRequest
            or FailureKind.InvalidInput
            or FailureKind.ModeConflict
            or FailureKind.InvalidModel
            or FailureKind.AlreadyExists => StatusCodes.Status400BadRequest,
            FailureKind.ModelNotLoaded or FailureKind.NotFound => StatusCodes.Status404NotFound,
            FailureKind.NotSupported => StatusCodes.Status501NotImplemented,
            FailureKind.QueueFull
            or FailureKind.DeadlineExceeded
            or FailureKind.Draining
            or FailureKind.NodeUnreachable
            or FailureKind.DeviceLost
            or FailureKind.OutOfDeviceMemory => StatusCodes.Status503ServiceUnavailable,
            FailureKind.Cancelled => StatusCodes.Status499ClientClosedRequest,
            FailureKind.BackendFailed or FailureKind.Internal => StatusCodes.Status500InternalServerError,
        };
}

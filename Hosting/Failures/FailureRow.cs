using Troupe.Messages.Failures;

namespace Troupe.Hosting.Failures;

/// <summary>What one kind of failure is to everybody outside the node: a row of <see cref="FailureMap"/>.</summary>
/// <param name="Http">HTTP status.</param>
/// <param name="Load">HTTP status where loading through the model repository extension fails: Triton's is 400, whatever the reason.</param>
/// <param name="Label">How an inference's answer is labelled; Triton writes JSON under either.</param>
/// <param name="Grpc">Status over gRPC.</param>
/// <param name="Reason">The counter of failed forwards it adds to; null: refused before anything ran, which counts nowhere, as in
/// Triton.</param>
/// <param name="Exit">What a command that was answered so exits with.</param>
internal sealed record FailureRow(
    FailureKind Kind,
    int Http,
    int Load,
    FailureLabel Label,
    GrpcStatus Grpc,
    FailureReason? Reason,
    ExitCode Exit,
    CallerAdvice Retry
);

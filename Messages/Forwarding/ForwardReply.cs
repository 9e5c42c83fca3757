using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Forwarding;

/// <summary>The one terminal answer to a forward.</summary>
[MessagePackObject]
[Union(0, typeof(Succeeded))]
[Union(1, typeof(Failed))]
public abstract record ForwardReply
{
    private ForwardReply(RequestId id) => Id = id;

    [Key(0)]
    public RequestId Id { get; }

    /// <summary>The outputs, which own their bytes, in the module's order, and how they came about.</summary>
    [MessagePackObject]
    public sealed record Succeeded(RequestId Id, [property: Key(1)] Tensor[] Outputs, [property: Key(2)] ForwardReport Report)
        : ForwardReply(Id);

    /// <summary>Nothing was computed, or its result is not to be had. <see cref="Detail"/> is for people; code never parses it.</summary>
    [MessagePackObject]
    public sealed record Failed(
        RequestId Id,
        [property: Key(1)] FailureKind Kind,
        [property: Key(2), MessagePackFormatter(typeof(ProseFormatter))] string Detail
    ) : ForwardReply(Id);
}

/// <summary>Where and how a forward ran: for metrics, statistics and people.</summary>
/// <param name="Model">The exact version that ran.</param>
/// <param name="Gpu">The home device of the instance that ran it.</param>
/// <param name="ModeEpoch">Lamport time of the modes it was admitted under; 0 before any change.</param>
/// <param name="Attempts">1, or more after re-dispatches.</param>
/// <param name="Times">Where the time went on the node that ran it.</param>
[MessagePackObject]
public sealed record ForwardReport(
    [property: Key(0)] ModelVersion Model,
    [property: Key(1)] GpuId Gpu,
    [property: Key(2)] long ModeEpoch,
    [property: Key(3)] int Attempts,
    [property: Key(4)] StageTimes Times
);

/// <summary>Nanoseconds a forward spent queued, copying in, computing and copying out.</summary>
[MessagePackObject]
public readonly record struct StageTimes(
    [property: Key(0)] long QueueNanoseconds,
    [property: Key(1)] long ComputeInputNanoseconds,
    [property: Key(2)] long ComputeInferNanoseconds,
    [property: Key(3)] long ComputeOutputNanoseconds
);

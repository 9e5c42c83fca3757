using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>What an instance has against a change of modes.</summary>
/// <param name="Refuses">The change must not be made; otherwise it is made and does not reach this instance.</param>
[MessagePackObject]
public sealed record ModeObjection(
    [property: Key(0)] GpuId Gpu,
    [property: Key(1)] ModelVersion Model,
    [property: Key(2)] FailureKind Kind,
    [property: Key(3), MessagePackFormatter(typeof(ProseFormatter))] string Reason,
    [property: Key(4)] bool Refuses
);

/// <summary>Coordinating directory to every other, phase one: what would your GPUs say to this? Nothing changes. Answered by
/// <see cref="ModeChangePrepared"/>.</summary>
/// <param name="Change">The coordinator's number of the change, echoed in the answer.</param>
/// <param name="Time">The sender's Lamport time, here and below.</param>
/// <param name="Entry">What would be added; null asks for objections to the modes now in force (explain).</param>
/// <param name="Scope">The scope asked about.</param>
[MessagePackObject]
public sealed record PrepareModeChange(
    [property: Key(0)] long Change,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] ModeEntry? Entry,
    [property: Key(4)] ModeScope Scope,
    [property: Key(5)] TimeSpan TimeLeft
) : IModeDirectoryMessage;

[MessagePackObject]
public sealed record ModeChangePrepared(
    [property: Key(0)] long Change,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] ModeObjection[] Objections
) : IModeDirectoryMessage;

/// <summary>Coordinating directory to every other, phase two, also for ends, renewals and compensation: merge these and have your GPUs run
/// under the result.</summary>
[MessagePackObject]
public sealed record CommitModeChange(
    [property: Key(0)] long Change,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] ModeEntry[] Entries,
    [property: Key(4)] TimeSpan TimeLeft
) : IModeDirectoryMessage;

/// <param name="Applied">GPUs of the sender that run under the result.</param>
/// <param name="Silent">GPUs of the sender that did not answer in time.</param>
[MessagePackObject]
public sealed record ModeChangeCommitted(
    [property: Key(0)] long Change,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] GpuId[] Applied,
    [property: Key(4)] GpuId[] Silent,
    [property: Key(5)] ModeObjection[] Objections
) : IModeDirectoryMessage;

/// <summary>Directory to directory: do we hold the same modes? Sent when a member joins or becomes reachable again, until answered, and now
/// and then.</summary>
/// <param name="Round">The sender's number of the exchange, echoed in the answer.</param>
/// <param name="Digest">Of everything in force at the sender.</param>
[MessagePackObject]
public sealed record CompareModes(
    [property: Key(0)] long Round,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] ulong Digest
) : IModeDirectoryMessage;

/// <summary>The answer to <see cref="CompareModes"/>, in pages: nothing where the digests agree, else everything the sender
/// holds.</summary>
[MessagePackObject]
public sealed record ModePage(
    [property: Key(0)] long Round,
    [property: Key(1)] NodeId From,
    [property: Key(2)] long Time,
    [property: Key(3)] int Index,
    [property: Key(4)] int Count,
    [property: Key(5)] ModeEntry[] Entries
) : IModeDirectoryMessage;

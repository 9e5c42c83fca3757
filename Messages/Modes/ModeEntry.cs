using MessagePack;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>Why a baseline or entry is over.</summary>
public enum ModeEndReason
{
    /// <summary>A reason that a later version added.</summary>
    Unknown = -1,

    Exited = 1,
    OwnerDied = 2,

    /// <summary>Refused or not acknowledged by a participant, and therefore taken back.</summary>
    Aborted = 3,

    /// <summary>Its session was closed.</summary>
    SessionClosed = 4,

    /// <summary>The entry itself takes back, from its birth on, what older baselines of its scope set of the modes its change
    /// names.</summary>
    Unset = 5,
}

/// <summary>The end of an entry: once there, it stays (a tombstone).</summary>
/// <param name="Time">Lamport time of the end.</param>
[MessagePackObject]
public readonly record struct ModeEnd([property: Key(0)] long Time, [property: Key(1)] ModeEndReason Reason);

/// <summary>How long an entry holds unless it is renewed. Every node counts it down by its own monotonic clock.</summary>
/// <param name="Renewed">Which renewal this is; the newest wins, whichever arrives first.</param>
/// <param name="Left">Time left when the value was made or sent, never a wall-clock time.</param>
[MessagePackObject]
public readonly record struct ModeLease([property: Key(0)] ModeStamp Renewed, [property: Key(1)] TimeSpan Left);

/// <summary>One member of the convergent set of modes: a baseline, an entered mode or a session.</summary>
/// <remarks>Immutable but for <see cref="Lease"/>, which only gets newer, and <see cref="End"/>, which only gets set; two copies merge by
/// those rules.</remarks>
/// <param name="Token">Null for a baseline and a session.</param>
/// <param name="Owner">Serialized path of the actor whose death ends it; null: the lease alone.</param>
/// <param name="Lease">Null for a baseline.</param>
/// <param name="IsSession">It stands for the session in its scope: entries of that session hold only while this one does.</param>
[MessagePackObject]
public sealed record ModeEntry(
    [property: Key(0)] ModeStamp Stamp,
    [property: Key(1)] ModeToken? Token,
    [property: Key(2)] ModeScope Scope,
    [property: Key(3)] ModeChange Change,
    [property: Key(4)] NodeId Coordinator,
    [property: Key(5)] string? Owner = null,
    [property: Key(6)] ModeLease? Lease = null,
    [property: Key(7)] ModeEnd? End = null,
    [property: Key(8)] bool IsSession = false
);

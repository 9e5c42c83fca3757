namespace Troupe.Messages.Failures;

/// <summary>Why a forward, load or mode change did not happen, named by stage and cause. Numbers travel on the wire.</summary>
public enum FailureKind
{
    /// <summary>A kind that a later version added; the detail says more.</summary>
    Unknown = -1,

    /// <summary>The sender broke the protocol or the value of a field is out of range.</summary>
    InvalidRequest = 1,

    /// <summary>Arity, names, types, shapes or sizes of the inputs do not fit the model.</summary>
    InvalidInput = 2,

    ModelNotLoaded = 3,

    QueueFull = 4,

    DeadlineExceeded = 5,

    Cancelled = 6,

    /// <summary>The effective settings contradict each other or the model.</summary>
    ModeConflict = 7,

    /// <summary>What was asked for cannot be done here; the detail names what and where it could.</summary>
    NotSupported = 8,

    OutOfDeviceMemory = 9,

    /// <summary>The engine refused or failed the launch; the device is healthy.</summary>
    BackendFailed = 10,

    DeviceLost = 11,

    NodeUnreachable = 12,

    /// <summary>The node is draining and takes no new work.</summary>
    Draining = 13,

    /// <summary>The model's bytes cannot be loaded: corrupt, truncated, unsupported.</summary>
    InvalidModel = 14,

    /// <summary>A conflicting version, scope or token is in the way.</summary>
    AlreadyExists = 15,

    NotFound = 16,

    /// <summary>A defect of Troupe itself.</summary>
    Internal = 17,
}

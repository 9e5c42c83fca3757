using Troupe.Messages.Failures;
using Troupe.Messages.Identity;

namespace Troupe.Runtime.Failures;

/// <summary>A module cannot be loaded: what is wrong, where, and the fix. The device is as it was.</summary>
public sealed class ModuleLoadException(FailureKind kind, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary><see cref="FailureKind.InvalidModel"/>, <see cref="FailureKind.NotSupported"/>, <see cref="FailureKind.NotFound"/>,
    /// <see cref="FailureKind.OutOfDeviceMemory"/> or <see cref="FailureKind.DeviceLost"/>.</summary>
    public FailureKind Kind { get; } = kind;

    /// <summary>The version whose files are at fault; null where no version of the model was found yet.</summary>
    public ModelReference? Version { get; init; }
}

namespace Troupe.Hosting.Failures;

/// <summary>What the process tells its caller when it ends; the numbers are documented and do not change.</summary>
internal enum ExitCode
{
    /// <summary>Done; for <c>serve</c>: drained and stopped on Ctrl-C, SIGTERM, SIGHUP or SIGQUIT.</summary>
    Success = 0,

    /// <summary>A defect, or trouble that has no code of its own.</summary>
    Failed = 1,

    /// <summary>The command line, the environment or a settings file holds something that cannot be used.</summary>
    Usage = 2,

    /// <summary>An address to listen on is taken.</summary>
    AddressInUse = 3,

    /// <summary>A file or folder that was named does not exist or cannot be read.</summary>
    PathNotFound = 4,

    /// <summary>No node answers at <c>--url</c>.</summary>
    Unreachable = 5,

    /// <summary>The node does not know the model, device or node that was named.</summary>
    NotFound = 6,

    /// <summary>The node refused or failed the request; its reason was printed.</summary>
    Refused = 7,

    /// <summary>An answer differs from what the same model gave without Troupe.</summary>
    Mismatch = 8,

    /// <summary>The devices that were asked for are not on this machine.</summary>
    NoDevices = 9,

    /// <summary>Stopped by Ctrl-C or a signal before the work was done.</summary>
    Interrupted = 130,
}

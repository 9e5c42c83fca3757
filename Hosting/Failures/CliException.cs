namespace Troupe.Hosting.Failures;

/// <summary>Ends a command with one line on standard error and a documented exit code.</summary>
internal sealed class CliException(ExitCode code, string message, Exception? cause = null) : Exception(message, cause)
{
    public ExitCode Code { get; } = code;
}

using Troupe.Hosting.Failures;

namespace Troupe.Hosting.Cli;

/// <summary>Opens the files that commands write to.</summary>
internal static class OutputFile
{
    /// <exception cref="CliException">The folder is not there, or may not be written to.</exception>
    public static FileStream Create(string option, string path)
    {
        try
        {
            return File.Create(path);
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new CliException(ExitCode.PathNotFound, $"{option}: '{path}' cannot be written: {refused.Message}", refused);
        }
    }
}

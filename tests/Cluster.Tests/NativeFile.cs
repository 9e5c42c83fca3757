using System.Diagnostics;
using Troupe.TestSupport.Platforms;

namespace Troupe.Cluster.Tests;

/// <summary>The published native executable, where whoever runs the tests says it lies; published by <c>.ci/run</c>.</summary>
internal static class NativeFile
{
    public const string Variable = "TROUPE_NATIVE_FILE";

    /// <summary>Its path; skips the test with the reason where none is named.</summary>
    public static string Path
    {
        get
        {
            string? path = Environment.GetEnvironmentVariable(Variable);
            Assert.SkipWhen(
                string.IsNullOrEmpty(path),
                $"{Variable} names no published native executable; .ci/run publishes one (docs/publishing.md)"
            );
            Assert.True(File.Exists(path), $"{Variable}: there is no file '{path}'");
            return System.IO.Path.GetFullPath(path!);
        }
    }

    /// <summary>Runs a command to its end; exit code, standard output, standard error.</summary>
    public static async Task<(int Exit, string Output, string Error)> Run(
        string executable,
        IReadOnlyList<string> arguments,
        params (string Name, string Value)[] environment
    )
    {
        ProcessStartInfo start = new(executable, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.WithoutSettings();
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        using CancellationTokenSource bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(120));
        Task<string> output = process.StandardOutput.ReadToEndAsync(bound.Token);
        Task<string> error = process.StandardError.ReadToEndAsync(bound.Token);
        await process.WaitForExitAsync(bound.Token);
        return (process.ExitCode, await output, await error);
    }
}

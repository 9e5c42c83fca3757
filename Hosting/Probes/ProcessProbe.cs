using System.ComponentModel;
using System.Diagnostics;
using Troupe.Actors.Models;
using Troupe.Hosting.Options;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;

namespace Troupe.Hosting.Probes;

/// <summary>Tries models in child processes of this executable, which open no device and serve nobody.</summary>
/// <remarks><b>Owns</b> nothing between two trials. <b>Thread</b> any, several at once. <b>Blocks</b> until the child has reported or
/// ended, or is killed because it has gone beyond a bound.</remarks>
/// <param name="executable">How a child is started; null: there is no way.</param>
internal sealed class ProcessProbe(ProbeExecutable? executable, TimeSpan timeBound, long memoryBound, string? nativeLibraries) : IModelProbe
{
    /// <summary>How often a child's memory is looked at; resident memory is what counts, so that address space a runtime reserves does
    /// not.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    /// <summary>Most characters that are read of what it complains of.</summary>
    private const int MaxError = 1 << 20;

    public ModuleSource Try(ModuleSource source, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Held is not { } held)
        {
            return source with { Files = new FileDigests(Try(source.Model.Name, source.Path, cancellation)) };
        }

        // The bytes that are tried are those that are loaded: they stay in memory, and nobody can change them.
        using var written = new WrittenFiles(held);
        string name = Path.GetFileName(source.Path),
            path = Path.Combine(written.Folder, name);
        try
        {
            Try(source.Model.Name, path, cancellation);
            return source;
        }
        catch (ModuleLoadException refused)
        {
            // The folder is nobody's to know of.
            string called = refused.Message.Replace(path[..^name.Length], source.Path[..^name.Length], StringComparison.Ordinal);
            throw new ModuleLoadException(refused.Kind, called, refused);
        }
    }

    /// <summary>By absolute path, the SHA-256 of what was read.</summary>
    private IReadOnlyDictionary<string, string> Try(string model, string path, CancellationToken cancellation)
    {
        using Process child = Start(model, path);
        Task<BoundedText> output = BoundedText.ReadAsync(child.StandardOutput, ProbeReport.MaxLength),
            error = BoundedText.ReadAsync(child.StandardError, MaxError);
        try
        {
            Watch(child, model, path, cancellation);
        }
        finally
        {
            Kill(child);
        }

        BoundedText said = output.GetAwaiter().GetResult();
        if (child.ExitCode == 0 && !said.IsWhole)
        {
            throw ProbeEnd.SaidTooMuch(model, path, ProbeReport.MaxLength);
        }

        ProbeReport report =
            (child.ExitCode == 0 ? ProbeReport.Parse(said.Text) : null)
            ?? throw ProbeEnd.Died(model, path, child.ExitCode, error.GetAwaiter().GetResult().Text);
        return report.Files ?? throw new ModuleLoadException(report.Kind ?? FailureKind.InvalidModel, report.Detail ?? "");
    }

    private Process Start(string model, string path)
    {
        ProbeExecutable found =
            executable ?? throw ProbeEnd.NotStarted(model, "this program is not 'troupe', and no such file is beside it");
        ProcessStartInfo start = new(found.File, [.. found.Arguments, ProbeReport.Command, "--", path])
        {
            // Its end tells the child of this process's.
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        start.Environment["DOTNET_TieredPGO"] = "0";
        if (nativeLibraries is not null)
        {
            start.Environment[OptionKeys.NativeLibraries.Variable] = nativeLibraries;
        }

        try
        {
            return Process.Start(start)!;
        }
        catch (Exception trouble) when (trouble is Win32Exception or IOException)
        {
            throw ProbeEnd.NotStarted(model, $"'{found.File}': {trouble.Message}");
        }
    }

    private void Watch(Process child, string model, string path, CancellationToken cancellation)
    {
        long start = Stopwatch.GetTimestamp();
        while (!child.WaitForExit(Look))
        {
            cancellation.ThrowIfCancellationRequested();
            if (Stopwatch.GetElapsedTime(start) > timeBound)
            {
                throw ProbeEnd.TooLong(model, path, timeBound);
            }

            child.Refresh();
            if (Resident(child) is long taken && taken > memoryBound)
            {
                throw ProbeEnd.TooLarge(model, path, taken, memoryBound);
            }
        }
    }

    private static long Resident(Process child)
    {
        try
        {
            return child.WorkingSet64;
        }
        catch (InvalidOperationException)
        {
            // It has just ended.
            return 0;
        }
    }

    private static void Kill(Process child)
    {
        if (!child.HasExited)
        {
            child.Kill();
        }

        child.WaitForExit();
    }
}

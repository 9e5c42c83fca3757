using System.CommandLine;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Probes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Cli;

/// <summary>The far end of <see cref="ProcessProbe"/>: loads one model in a process that serves nobody and says what came of it. Hidden: it
/// is for nodes, not for people.</summary>
internal static class TryModelCommand
{
    public static Command Create()
    {
        Argument<string> path = new("PATH");
        Command command = new(ProbeReport.Command, "Loads a model without serving it, for a node that was asked to load it.")
        {
            Hidden = true,
        };
        command.Arguments.Add(path);
        command.SetAction(
            (parsed, cancellation) =>
            {
                EndWithParent();
                BeFirstToEnd();
                ModuleSource source = new(new ModelReference("tried", 1), parsed.GetRequiredValue(path));
                ProbeReport report = Report(source.Path, () => Platform.TryLoad(source, cancellation));
                parsed.InvocationConfiguration.Output.WriteLine(report.ToLine());
                return Task.FromResult((int)ExitCode.Success);
            }
        );
        return command;
    }

    /// <summary>What came of a trial; whatever it threw, the node is told in words what it was.</summary>
    public static ProbeReport Report(string path, Func<FileDigests> load)
    {
        try
        {
            return ProbeReport.Tried(load().ByPath);
        }
        catch (Exception trouble) when (trouble is not OperationCanceledException)
        {
            (FailureKind kind, string detail) = trouble switch
            {
                ModuleLoadException refused => (refused.Kind, refused.Message),
                ForwardException failed => (failed.Kind, failed.Message),
                OutOfMemoryException => (FailureKind.InvalidModel, $"'{path}' needs more memory to be loaded than this machine has left."),
                IOException or UnauthorizedAccessException => (FailureKind.InvalidModel, $"'{path}' cannot be read: {trouble.Message}"),
                _ => (FailureKind.Internal, $"'{path}' was not loaded: {trouble.Message}"),
            };
            return ProbeReport.Refused(kind, detail);
        }
    }

    /// <summary>The node holds the other end of standard input: when it is gone nobody waits for this process.</summary>
    private static void EndWithParent()
    {
        var watch = new Thread(() =>
        {
            using Stream parent = Console.OpenStandardInput();
            while (parent.ReadByte() >= 0) { }

            Environment.Exit((int)ExitCode.Interrupted);
        })
        {
            IsBackground = true,
            Name = "troupe parent watch",
        };
        watch.Start();
    }

    /// <summary>Where the machine runs out of memory, the system ends this process before one that serves.</summary>
    private static void BeFirstToEnd()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            // Not every system has it; the bound on memory holds all the same.
        }
    }
}

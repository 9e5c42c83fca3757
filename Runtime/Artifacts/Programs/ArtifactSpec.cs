using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Artifacts.Programs;

/// <summary>A saved model that was read and found sound: its engines, and how they hang together where the format tells.</summary>
/// <param name="Source">File name, or what the caller called the bytes.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Graph">Only exported programs have one; the others hold one engine, or (TorchScript) code that calls them.</param>
public sealed record ArtifactSpec(
    string Source,
    ArtifactFormat Format,
    long Bytes,
    IReadOnlyList<ArtifactEngine> Engines,
    ArtifactGraph? Graph
)
{
    /// <summary>The back end whose engines artifacts hold, as manifests call it; who stands in for it recognises them.</summary>
    public const string Backend = "tensorrt";

    /// <summary>How often TorchScript code calls an engine; null for the other formats.</summary>
    public int? EngineCalls { get; init; }

    /// <summary>An engine record that did not come from a file.</summary>
    public static ArtifactSpec Of(EngineRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.Plan.IsEmpty
            ? throw ArtifactException.Missing($"engine '{Shown.Of(record.Name)}'", "the record holds no engine, only metadata")
            : new ArtifactSpec(
                Shown.Of(record.Name),
                ArtifactFormat.Record,
                record.Plan.Length,
                [new ArtifactEngine(record.Name, record.Check(Shown.Of(record.Name)))],
                null
            );
    }

    /// <summary>Refuses engines that were built for another platform, or for one that their writer did not know; where nothing is told they
    /// pass.</summary>
    /// <exception cref="ArtifactException"><see cref="ArtifactFault.WrongPlatform"/></exception>
    public void EnsureRunsOn(TargetPlatform here)
    {
        foreach (ArtifactEngine engine in Engines)
        {
            if (engine.Record.Platform is { } platform && (platform != here || platform == TargetPlatform.Unknown))
            {
                throw new ArtifactException(
                    ArtifactFault.WrongPlatform,
                    $"{Source}, engine '{Shown.Of(engine.Key)}'",
                    $"the engine was built for {platform.Spelling()}, this machine is {here.Spelling()}",
                    "Compile the model on (or across to) this platform."
                );
            }
        }
    }
}

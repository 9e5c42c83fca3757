using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Artifacts;

/// <summary>A saved model that was read and found sound: its engines, and how they hang together where the format tells.</summary>
/// <param name="Source">File name, or what the caller called the bytes.</param>
/// <param name="Bytes">Size of the file.</param>
/// <param name="Graph">Only exported programs have one; the others hold one engine, or (TorchScript) code that calls them.</param>
public sealed record ArtifactSpec(string Source, ArtifactFormat Format, long Bytes, IReadOnlyList<ArtifactEngine> Engines, ArtifactGraph? Graph)
{
    /// <summary>Refuses engines that were built for another platform; what is not told passes.</summary>
    /// <exception cref="ArtifactException"><see cref="ArtifactFault.WrongPlatform"/></exception>
    public void EnsureRunsOn(TargetPlatform here)
    {
        foreach (ArtifactEngine engine in Engines)
        {
            if (engine.Record.Platform is { } platform && platform != here)
            {
                throw new ArtifactException(ArtifactFault.WrongPlatform, $"{Source}, engine '{Shown.Of(engine.Key)}'",
                    $"the engine was built for {platform.Spelling()}, this machine is {here.Spelling()}", "Compile the model on (or across to) this platform.");
            }
        }
    }

    /// <summary>Everything of interest, in order, as names and values: for a table or for JSON. Plans are given by size.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Describe() => ArtifactDescription.Of(this);
}

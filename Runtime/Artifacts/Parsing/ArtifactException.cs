namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>A saved model is refused. Its message is one sentence each: where and what is wrong, and what to do about it. Nothing was
/// changed.</summary>
public sealed class ArtifactException(ArtifactFault fault, string where, string what, string fix, Exception? cause = null)
    : Exception($"{where}: {what}. {fix}", cause)
{
    public ArtifactFault Fault { get; } = fault;

    /// <summary>The file, and the entry or field in it.</summary>
    public string Where { get; } = where;

    public string What { get; } = what;

    public string Fix { get; } = fix;

    /// <summary>The nodes that no engine runs; empty but for <see cref="ArtifactFault.UnsupportedNodes"/>.</summary>
    public IReadOnlyList<string> UnsupportedNodes { get; init; } = [];

    internal const string SaveAgain = "Save the model again with torch_tensorrt.save, or copy the file again";

    internal static ArtifactException Corrupt(string where, string what) => new(ArtifactFault.Corrupt, where, what, SaveAgain + ".");

    internal static ArtifactException Truncated(string where, string what) =>
        new(ArtifactFault.Truncated, where, what, "Copy the file again; it is not whole.");

    internal static ArtifactException TooLarge(string where, string what) =>
        new(ArtifactFault.TooLarge, where, what, "No artifact needs that much; do not trust the file.");

    internal static ArtifactException Missing(string where, string what) => new(ArtifactFault.Missing, where, what, SaveAgain + ".");
}

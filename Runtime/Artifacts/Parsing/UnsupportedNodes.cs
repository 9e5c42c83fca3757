namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>The refusal of a program that engines alone cannot run, with the nodes that stand in the way.</summary>
internal static class UnsupportedNodes
{
    private const int Shown = 20;

    public static ArtifactException Refusal(string where, IReadOnlyList<string> nodes) =>
        new(
            ArtifactFault.UnsupportedNodes,
            where,
            $"{nodes.Count} {(nodes.Count == 1 ? "node is" : "nodes are")} not run by an engine: {string.Join(", ", nodes.Take(Shown))}{(nodes.Count > Shown ? ", …" : "")}",
            "Compile the model with require_full_compilation=True, or move these operators into fallback segments of a module.json."
        )
        {
            UnsupportedNodes = nodes,
        };
}

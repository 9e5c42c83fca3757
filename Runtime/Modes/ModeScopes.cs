using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Order, form and words of scopes.</summary>
public static class ModeScopes
{
    /// <summary>From here on a scope is "model scope or narrower".</summary>
    private const int ModelRank = 8;

    /// <summary>
    /// The greater wins, per setting: session &gt; model on a GPU &gt; model &gt; GPU &gt; node &gt; cluster. Combined selectors fall
    /// between: a model on a node
    /// stands above the model, and a model's version number above its name alone; a session stands above everything, narrowed further by
    /// what else it selects.
    /// </summary>
    public static int Rank(ModeScope scope) =>
        (scope.Session is null ? 0 : 16)
        + (scope.Model is null ? 0 : ModelRank)
        + (scope.Gpu is null ? 0 : 4)
        + (scope.Node is null ? 0 : 2)
        + (scope.Model?.Number is null ? 0 : 1);

    public static bool IsModelOrNarrower(ModeScope scope) => Rank(scope) >= ModelRank;

    /// <summary>A GPU names its node already: without that redundancy, equal places are equal values.</summary>
    public static ModeScope Normalize(ModeScope scope) => scope is { Gpu: not null, Node: not null } ? scope with { Node = null } : scope;

    /// <summary>Whether some forward can be in both scopes.</summary>
    public static bool Overlap(ModeScope left, ModeScope right)
    {
        NodeId? leftNode = left.Gpu?.Node ?? left.Node;
        NodeId? rightNode = right.Gpu?.Node ?? right.Node;
        return (leftNode is not { } a || rightNode is not { } b || a == b)
            && (left.Gpu is not { } c || right.Gpu is not { } d || c == d)
            && (
                left.Model is not { } e
                || right.Model is not { } f
                || (e.Name == f.Name && (e.Number is null || f.Number is null || e.Number == f.Number))
            )
            && (left.Session is not { } g || right.Session is not { } h || g == h);
    }

    /// <summary>The scope in words, e.g. <c>model mnist on GPU host:4053/0</c>.</summary>
    public static string Text(ModeScope scope)
    {
        string place =
            scope.Gpu is { } gpu ? $"GPU {gpu}"
            : scope.Node is { } node ? $"node {node}"
            : "";
        string text = scope.Model is { } model
            ? place.Length > 0
                ? $"model {model} on {place}"
                : $"model {model}"
            : place;
        return scope.Session is { } session
            ? text.Length > 0
                ? $"session {session}, {text}"
                : $"session {session}"
            : text.Length > 0
                ? text
                : "cluster";
    }
}

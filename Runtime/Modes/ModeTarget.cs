using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Where settings are asked for: one instance as a forward sees it, or, with parts left out, a wider place.</summary>
/// <param name="Gpu">Its node counts as given too.</param>
/// <param name="Node">Only where no GPU is given.</param>
public readonly record struct ModeTarget(GpuId? Gpu = null, ModelReference? Model = null, SessionId? Session = null, NodeId? Node = null)
{
    public static ModeTarget Of(GpuId gpu, ModelVersion model, SessionId? session = null) => new(gpu, model.ToReference(), session);

    /// <summary>The place a scope names.</summary>
    public static ModeTarget Of(ModeScope scope) => new(scope.Gpu, scope.Model, scope.Session, scope.Node);

    /// <summary>Whether what holds in a scope holds here: every selector of the scope is met by what the target states.</summary>
    public bool IsIn(ModeScope scope) =>
        (scope.Node is not { } node || node == (Gpu?.Node ?? Node))
        && (scope.Gpu is not { } gpu || gpu == Gpu)
        && (
            scope.Model is not { } model
            || (Model is { } own && own.Name == model.Name && (model.Number is not { } number || number == own.Number))
        )
        && (scope.Session is not { } session || session == Session);
}

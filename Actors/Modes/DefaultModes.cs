using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>The modes before any change: <see cref="ModeSettings.Default"/>, and what a call asks for itself.</summary>
internal sealed class DefaultModes : IEffectiveModes
{
    public static DefaultModes Instance { get; } = new();

    public CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call)
    {
        if (call is null)
        {
            return new CapturedModes(ModeSettings.Default, 0);
        }

        AdmittedModes admitted = ModesInForce.None.Admit(ModeTarget.Of(gpu, model, session), traits, call);
        return admitted.Refusal is { } refusal
            ? new CapturedModes(admitted.Settings, 0, refusal.Reason, refusal.Kind)
            : new CapturedModes(admitted.Settings, 0);
    }

    ModeSettings IEffectiveModes.Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) => ModeSettings.Default;

    public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => default;

    public IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session) => [];
}

using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>The same settings for everything, instance settings for one model or none.</summary>
internal sealed class FixedModes(ModeSettings settings, long epoch, ModelVersion? instance = null) : IEffectiveModes
{
    public HeldModes Holds { get; init; }

    public Dictionary<ModelVersion, ModeSettings> Others { get; } = [];

    public CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call) =>
        new(settings, epoch);

    public ModeSettings Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) =>
        model == instance ? settings : Others.GetValueOrDefault(model, ModeSettings.Default);

    public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => Holds;

    public IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session) =>
        model == instance ? [new ModeRefusal(FailureKind.ModeConflict, "they contradict")] : [];
}

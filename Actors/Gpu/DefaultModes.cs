using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Gpu;

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

        ModeSettings settings = Merge(ModeSettings.Default, call);
        return ModeConflicts.Find(settings, traits) is { } refusal
            ? new CapturedModes(settings, 0, refusal.Reason, refusal.Kind)
            : new CapturedModes(settings, 0);
    }

    ModeSettings IEffectiveModes.Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) => ModeSettings.Default;

    public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => default;

    /// <summary>Per-instance settings are refused below model scope, so a call changes only the per-forward ones.</summary>
    private static ModeSettings Merge(ModeSettings settings, ModeChange change) => settings with
    {
        CudaGraphs = change.CudaGraphs ?? settings.CudaGraphs,
        PreAllocatedOutputs = change.PreAllocatedOutputs ?? settings.PreAllocatedOutputs,
        OutputAllocator = change.OutputAllocator ?? settings.OutputAllocator,
        MultiDeviceSafe = change.MultiDeviceSafe ?? settings.MultiDeviceSafe,
        Profile = change.Profile ?? settings.Profile,
    };
}

using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>The modes before any change: <see cref="ModeSettings.Default"/>, and what a call asks for itself.</summary>
internal sealed class DefaultModes : IEffectiveModes
{
    public static DefaultModes Instance { get; } = new();

    public CapturedModes For(GpuId gpu, ModelVersion model, SessionId? session, ModeChange? call) =>
        new(call is null ? ModeSettings.Default : Merge(ModeSettings.Default, call), 0);

    ModeSettings IEffectiveModes.Instance(GpuId gpu, ModelVersion model) => ModeSettings.Default;

    public ModeSettings Held(GpuId gpu, ModelVersion model) => ModeSettings.Default;

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

using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>What makes an emulated engine one of TensorRT-RTX: its settings, and kernels specialized to the shapes it meets.</summary>
/// <param name="content">Digest of the engine's bytes: its kernels are no other engine's.</param>
/// <param name="hasFreeDimensions">Some input has a dimension that its profile leaves open.</param>
/// <remarks><b>Owns</b> nothing on the device. <b>Thread</b> as <see cref="IEngine"/>. <b>Blocks</b> never.</remarks>
internal sealed class EmulatedRtx(string content, bool hasFreeDimensions, ContextCount contexts) : IConfigurableRuntime
{
    /// <summary>The settings in force.</summary>
    public RuntimeSettings Settings { get; private set; } = RuntimeSettings.Default;

    /// <summary>Kernels specialized to shapes; null where there are none.</summary>
    public SpecializedKernels? Kernels { get; private set; }

    /// <summary>Kernels for free dimensions are made in the background while forwards run, which a recording would miss.</summary>
    public bool SpecializesLater => Settings.Specialization == KernelSpecialization.Lazy && hasFreeDimensions;

    public void Configure(RuntimeSettings settings, RuntimeCache? cache)
    {
        contexts.RefuseAny("runtime settings");
        Settings = settings;
        Kernels = settings.Specialization == KernelSpecialization.None ? null : new SpecializedKernels(content, cache);
    }
}

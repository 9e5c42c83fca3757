using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>The streamable weights of an emulated engine: those within the budget take device memory.</summary>
/// <remarks><b>Owns</b> that memory. <b>Thread</b> as <see cref="IEngine"/>. <b>Blocks</b> never.</remarks>
internal sealed class EmulatedWeights : IStreamableWeights, IDisposable
{
    private readonly EngineHome _home;
    private readonly string _engine;
    private readonly ContextCount _contexts;
    private DeviceBlock? _resident;

    /// <exception cref="ModuleLoadException">What the engine would keep itself does not fit the device.</exception>
    public EmulatedWeights(EmulatedManifest manifest, EngineHome home, string engine, string file, ContextCount contexts)
    {
        _home = home;
        _engine = engine;
        _contexts = contexts;
        Bytes = manifest.StreamableBytes;
        AutomaticBudget = Math.Min(manifest.AutomaticBudget ?? Bytes, Bytes);
        Budget = AutomaticBudget;
        try
        {
            _resident = Reserve(Budget, file);
        }
        catch (ForwardException full)
        {
            throw new ModuleLoadException(full.Kind, full.Message, full);
        }
    }

    public long Bytes { get; }

    public long AutomaticBudget { get; }

    public long Budget { get; private set; }

    /// <summary>Some weights come from the host at each run.</summary>
    public bool AreStreamed => Budget < Bytes;

    public void SetBudget(long bytes)
    {
        _contexts.RefuseAny("the weight budget");
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Bytes);
        DeviceBlock? resident;
        try
        {
            resident = Reserve(bytes, _engine);
        }
        catch (ForwardException) when (bytes <= Budget)
        {
            // What it has is large enough.
            resident = _resident;
        }

        if (!ReferenceEquals(resident, _resident))
        {
            Dispose();
        }

        (_resident, Budget) = (resident, bytes);
    }

    public void Dispose()
    {
        _resident?.Return(_resident.Generation);
        _resident = null;
    }

    /// <exception cref="ForwardException">The device is full.</exception>
    private DeviceBlock? Reserve(long bytes, string what) =>
        bytes == 0 ? null : _home.Memory.Reserve((ulong)bytes, $"The resident weights of '{what}'", isWhole: true);
}

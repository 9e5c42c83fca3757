using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Scopes;

namespace Troupe.Runtime.Tests.Modes;

/// <summary>A module that does what modes ask of it, writes down what it was asked, and can be told to refuse.</summary>
internal sealed class RecordingModule : IModeTarget, IDisposable
{
    public RecordingModule(RuntimeModes modes, ModuleTraits? traits = null, string name = "module")
    {
        Modes = modes;
        Name = name;
        Traits = traits ?? ModuleTraits.Plain;
        modes.Register(this);
    }

    public string Name { get; }

    public RuntimeModes Modes { get; }

    public ModuleTraits Traits { get; }

    /// <summary>Settings applied so far, newest last.</summary>
    public List<ModeSettings> Applied { get; } = [];

    public List<HeldModes> Released { get; } = [];

    /// <summary>Called when settings are to be applied: may wait, as a module waits for its work in flight.</summary>
    public Action? OnApply { get; set; }

    /// <summary>Set: the next applications fail.</summary>
    public bool Refuses { get; set; }

    public ModeSettings Current => Applied.Count == 0 ? ModeSettings.Default : Applied[^1];

    public long WeightBudgetBytes =>
        Current.WeightBudget.Kind switch
        {
            WeightBudgetKind.Bytes => Current.WeightBudget.ByteCount,
            WeightBudgetKind.Fraction => (long)(Current.WeightBudget.Share * Traits.StreamableWeightBytes),
            WeightBudgetKind.Automatic => AutomaticWeightBudgetBytes,
        };

    public long AutomaticWeightBudgetBytes => Traits.StreamableWeightBytes / 2;

    public void Apply(ModeSettings settings)
    {
        OnApply?.Invoke();
        if (Refuses)
        {
            throw new ForwardException(FailureKind.OutOfDeviceMemory, "the device has no room for it");
        }

        Applied.Add(settings);
    }

    public void FreeAllBut(HeldModes held) => Released.Add(held);

    public void Dispose() => Modes.Unregister(this);
}

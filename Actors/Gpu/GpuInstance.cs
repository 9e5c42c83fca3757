using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>An instance as its GPU keeps it: who is under way, and what has to happen once those are done.</summary>
internal sealed class GpuInstance(ModelVersion model, ModuleTraits traits, bool safeToResend)
{
    public ModelVersion Model { get; } = model;

    public ModuleTraits Traits { get; } = traits;

    public bool SafeToResend { get; } = safeToResend;

    /// <summary>Rises with each barrier; forwards carry the value they were queued with.</summary>
    public int Generation { get; private set; }

    /// <summary>Forwards of the present generation that are here.</summary>
    public int Current { get; private set; }

    /// <summary>Forwards of earlier generations that are here; a barrier passes when there are none.</summary>
    public int Before { get; private set; }

    /// <summary>Forwards of the present generation wait.</summary>
    public bool Blocked { get; set; }

    public bool Unloading { get; set; }

    /// <summary>What its forwards are captured under.</summary>
    public IEffectiveModes Modes { get; set; } = DefaultModes.Instance;

    /// <summary>Changes of modes that it has still to take, in their order.</summary>
    public Queue<GpuModesChange> Changes { get; } = [];

    /// <summary>The change that it is taking; null between changes.</summary>
    public GpuModesChange? Change { get; set; }

    /// <summary>Its per-instance settings; at first those its engines were built with.</summary>
    public ModeSettings Applied { get; set; } = ModeSettings.Default with { Workspace = traits.BuiltWorkspace };

    /// <summary>What its resources are held for; null until it has been told.</summary>
    public HeldModes? Held { get; set; }

    /// <summary>Settings to apply once the barrier passes; null when there are none.</summary>
    public ModeSettings? ToApply { get; set; }

    public HeldModes? ToHold { get; set; }

    /// <summary>Why its own settings could not be applied when it was adopted: its forwards fail as <c>ModeConflict</c>.</summary>
    public string? Conflict { get; set; }

    /// <summary>Why it still has its former settings, where a change at a wide scope could not be applied to it; null when it has what
    /// holds.</summary>
    public string? Unapplied { get; set; }

    /// <summary>What whoever asks for an explanation should know of it.</summary>
    public string? Trouble => Conflict ?? Unapplied;

    /// <summary>Non-null until it is admitted for the first time.</summary>
    public InstanceReady? Announcement { get; set; }

    public bool Admits => !Unloading && Announcement is null;

    /// <summary>Nothing keeps an unloading instance from being disposed of.</summary>
    public bool CanRetire => Unloading && !Retiring && !Changing && Current + Before == 0;

    /// <summary>The executor has been told to dispose of it.</summary>
    public bool Retiring { get; set; }

    public bool Changing => ToApply is not null || ToHold is not null;

    public void Enter(GpuForward forward)
    {
        forward.Generation = Generation;
        Current++;
    }

    /// <summary>True when it was the last forward before the barrier.</summary>
    public bool Exit(GpuForward forward)
    {
        if (forward.Generation == Generation)
        {
            Current--;
            return false;
        }

        return --Before == 0;
    }

    /// <summary>Puts a barrier behind the forwards that are here; true when none are.</summary>
    public bool RaiseBarrier()
    {
        Generation++;
        Before += Current;
        Current = 0;
        return Before == 0;
    }

    public bool Holds(GpuForward forward) => Blocked && forward.Generation == Generation;
}

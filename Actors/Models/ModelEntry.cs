using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>A model version as its node's directory keeps it: reserved when its load begins, committed when the load is done.</summary>
internal sealed class ModelEntry(ModuleSource source, GivenModel? given)
{
    public ModuleSource Source { get; private set; } = source;

    /// <summary>What its load brought along, which is held for as long as it may be loaded of that again; null: nothing.</summary>
    public GivenModel? Given { get; private set; } = given;

    /// <summary>Known from the first instance on; its hash is the version's for as long as the version lives.</summary>
    public ModuleSpec? Module { get; set; }

    /// <summary>What callers see of it; known from the first instance on.</summary>
    public ModelConfiguration? Configuration { get; set; }

    /// <summary>Of contents under one number the newer has the higher.</summary>
    public int Generation { get; set; }

    /// <summary>The version of the same number that serves until this one is ready; null where there is none.</summary>
    public ModelEntry? Replaced { get; init; }

    public ModelState State { get; set; } = ModelState.Loading;

    public string Reason { get; set; } = "";

    /// <summary>It is unavailable because nothing here can do what it needs.</summary>
    public bool IsRefused { get; set; }

    /// <summary>It has ended, unloaded or never had: what is left of it is its reason.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>Devices it shall be on: a rebuilt one gets it again.</summary>
    public SortedSet<int> Wanted { get; } = [];

    /// <summary>Whether it may be brought to a device that it shall not be on yet.</summary>
    public bool MayBeOn(int ordinal) => !Wanted.Contains(ordinal) && Source.Devices?.Contains(ordinal) != false;

    /// <summary>Devices that admit forwards for it.</summary>
    public SortedSet<int> Resident { get; } = [];

    /// <summary>No device has it or shall have it.</summary>
    public void End(string reason)
    {
        HasEnded = true;
        State = ModelState.Unavailable;
        Reason = reason;
        Module = null;
        Configuration = null;
        Source = new ModuleSource(Source.Model, "");
        Given = null;
        Wanted.Clear();
        Resident.Clear();
    }
}

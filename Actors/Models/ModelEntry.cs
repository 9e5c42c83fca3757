using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>A model version as its node's directory keeps it: reserved when its load begins, committed when the load is done.</summary>
internal sealed class ModelEntry(ModuleSource source)
{
    public ModuleSource Source { get; } = source;

    /// <summary>Known from the first instance on; its hash is the version's for as long as the version lives.</summary>
    public ModuleSpec? Module { get; set; }

    /// <summary>What callers see of it; known from the first instance on.</summary>
    public ModelConfiguration? Configuration { get; set; }

    public ModelState State { get; set; } = ModelState.Loading;

    public string Reason { get; set; } = "";

    /// <summary>It is unavailable because nothing here can do what it needs.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Devices it shall be on: a rebuilt one gets it again.</summary>
    public SortedSet<int> Wanted { get; } = [];

    /// <summary>Whether it may be brought to a device that it shall not be on yet.</summary>
    public bool MayBeOn(int ordinal) => !Wanted.Contains(ordinal) && Source.Devices?.Contains(ordinal) != false;

    /// <summary>Devices that admit forwards for it.</summary>
    public SortedSet<int> Resident { get; } = [];
}

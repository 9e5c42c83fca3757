namespace Troupe.Actors.Forwards;

/// <summary>Whether a forward may have caused the crash that an earlier attempt at it was lost in.</summary>
internal enum ForwardSuspicion : byte
{
    None,

    /// <summary>It was launched in what crashed: it runs alone, and once more only.</summary>
    Suspect,
}

using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>What is known of a forward that was lost with what ran it, or of whose version some were: most never need it.</summary>
internal sealed class SuspectNotes
{
    public ForwardContent? Content { get; set; }

    /// <summary>Its content was lost with what ran it and has not succeeded since: lost once more, while it runs alone, it is
    /// guilty.</summary>
    public bool MayBeGuilty { get; set; }

    /// <summary>The device that it was launched on and lost with; null while it was not.</summary>
    public GpuId? LostOn { get; set; }

    /// <summary>It was lost with its node, so that its next run may end another.</summary>
    public bool MayEndNode { get; set; }
}

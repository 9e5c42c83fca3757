namespace Troupe.Actors.Membership;

/// <summary>Why something that came over the control plane was dropped; the label <c>reason</c> of
/// <c>troupe_foreign_messages_total</c>.</summary>
public enum ForeignReason
{
    /// <summary>Its kind is not read from the network: JSON, Akka's commands to actors, remote deployment.</summary>
    NotRead = 0,

    /// <summary>Its bytes are no valid message.</summary>
    Invalid = 1,

    /// <summary>Its sender is no member of this cluster.</summary>
    NoMember = 2,

    /// <summary>Nodes do not say it to the actor that it came to.</summary>
    NotTaken = 3,

    /// <summary>It speaks for another node than the one that sent it.</summary>
    OtherNode = 4,

    /// <summary>A Lamport time in it lies beyond what any cluster can have counted.</summary>
    BeyondTime = 5,
}

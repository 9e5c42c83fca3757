using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>What the mode directories of two nodes say to each other.</summary>
public interface IModeDirectoryMessage : IWireMessage
{
    /// <summary>The node whose directory says it.</summary>
    NodeId From { get; }

    /// <summary>That directory's Lamport time.</summary>
    long Time { get; }
}

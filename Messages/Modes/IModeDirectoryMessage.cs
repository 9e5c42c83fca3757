using Troupe.Messages.Formatters;

namespace Troupe.Messages.Modes;

/// <summary>What the mode directories of two nodes say to each other.</summary>
public interface IModeDirectoryMessage : IWireMessage;

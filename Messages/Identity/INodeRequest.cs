using Troupe.Messages.Formatters;

namespace Troupe.Messages.Identity;

/// <summary>What a client asks of a node and gets one reply to.</summary>
public interface INodeRequest : IWireMessage;

using Troupe.Messages.Formatters;

namespace Troupe.Messages.Forwarding;

/// <summary>What the routers of two nodes say to each other.</summary>
public interface IRouterMessage : IWireMessage;

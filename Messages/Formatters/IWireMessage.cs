namespace Troupe.Messages.Formatters;

/// <summary>A message that travels between nodes; Akka is told of all of them by this one name.</summary>
public interface IWireMessage;

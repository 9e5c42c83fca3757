using Troupe.Messages.Identity;

namespace Troupe.Messages.Models;

/// <summary>What a client asks of a node's model directory, answered by one <see cref="ModelReply"/>.</summary>
public interface IModelRequest : INodeRequest
{
    /// <summary>The model that it is about.</summary>
    string Name { get; }
}

using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>The way to those who do the same on other nodes: routers to routers, directories to directories. A node is named, wherever it
/// is reached.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never. What cannot arrive is lost without a word: who needs an answer has a bound.</remarks>
internal interface IPeers<in TMessage>
{
    void Tell(NodeId node, TMessage message);

    /// <summary>As the other, unless another life of the node is known to have begun: what was for the former would only puzzle
    /// it.</summary>
    /// <param name="life">Null when it was not known.</param>
    void Tell(NodeId node, NodeIncarnation? life, TMessage message);
}

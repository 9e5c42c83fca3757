using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>What a model directory's decisions ask of whoever carries them out.</summary>
internal interface IModelShell : IShell<ModelDecision>
{
    void TellBuilder(IBuilderRequest request);

    void TellExecutor(int ordinal, AdoptInstance adopt);

    void TellGpu(int ordinal, UnloadInstance unload);

    /// <summary>Publishes the models as they are now, then gives the reply, if there is one, to who asked.</summary>
    void Announce(IReplyTo<ModelReply>? asker, ModelReply? reply);
}

using Akka.Actor;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>What the model directory keeps when its actor is restarted.</summary>
/// <remarks><b>Thread</b> the directory's.</remarks>
internal sealed class ModelDirectoryState
{
    public ModelDirectoryState(NodeId self, Func<ModelReference, ModelSnapshot?> elsewhere) =>
        Core = new ModelDirectoryCore(self, elsewhere, Decisions);

    public List<ModelDecision> Decisions { get; } = [];

    public ModelDirectoryCore Core { get; }

    public Dictionary<int, IActorRef> Executors { get; } = [];

    public Dictionary<int, IActorRef> Gpus { get; } = [];
}

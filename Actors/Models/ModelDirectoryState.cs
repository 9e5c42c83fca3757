using Akka.Actor;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>What the model directory keeps when its actor is restarted.</summary>
/// <remarks><b>Owns</b> the core and what it has decided. <b>Thread</b> the directory's.</remarks>
internal sealed class ModelDirectoryState
{
    public ModelDirectoryState(NodeId self, Func<ModelReference, ModelSnapshot?> elsewhere, ServedConfigurations configurations)
    {
        Core = new ModelDirectoryCore(self, elsewhere, Decisions);
        Configurations = configurations;
    }

    public DecisionQueue<ModelDecision, IModelShell> Decisions { get; } = new();

    public ModelDirectoryCore Core { get; }

    /// <summary>Where the edge reads how versions are configured.</summary>
    public ServedConfigurations Configurations { get; }

    /// <summary>The executor of each device.</summary>
    public Dictionary<int, IActorRef> Executors { get; } = [];

    public Dictionary<int, IActorRef> Gpus { get; } = [];

    public void AddGpus(GpusStarted started)
    {
        foreach ((int ordinal, IActorRef gpu) in started.Gpus)
        {
            Gpus[ordinal] = gpu;
        }
    }

    public void AddExecutor(DevicesReady ready)
    {
        foreach (int ordinal in ready.Ordinals)
        {
            Executors[ordinal] = ready.Executor;
        }
    }
}

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
    public ModelDirectoryState(
        NodeId self,
        Func<ModelReference, IReadOnlyList<ModelSnapshot>> elsewhere,
        ServedConfigurations configurations,
        long maxHeldBytes = 1L << 30,
        bool loadsForOthers = true
    )
    {
        Core = new ModelDirectoryCore(self, elsewhere, Decisions) { MaxHeldBytes = maxHeldBytes };
        Configurations = configurations;
        LoadsForOthers = loadsForOthers;
    }

    public DecisionQueue<ModelDecision, IModelShell> Decisions { get; } = new();

    public ModelDirectoryCore Core { get; }

    /// <summary>Where the edge reads how versions are configured.</summary>
    public ServedConfigurations Configurations { get; }

    /// <summary>Whether models are loaded and unloaded for whoever asks, and not by the node's own settings alone.</summary>
    public bool LoadsForOthers { get; }

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

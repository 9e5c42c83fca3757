using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Membership;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>The node's directory of model versions; takes loads and unloads from this node's edge and from other nodes.</summary>
/// <remarks><b>Owns</b> a <see cref="ModelDirectoryCore"/>, which survives a restart of the actor. <b>Thread</b> its mailbox's.
/// <b>Blocks</b> never: disk and device are the builder's.</remarks>
internal sealed class ModelDirectoryActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ModelDirectoryCore _core;
    private readonly List<ModelDecision> _decisions;
    private readonly Dictionary<int, IActorRef> _executors;
    private readonly Dictionary<int, IActorRef> _gpus;
    private readonly IActorRef _builder;
    private readonly IActorRef _node = Context.Parent;

    public ModelDirectoryActor(ModelDirectoryState state, IActorRef builder)
    {
        _core = state.Core;
        _decisions = state.Decisions;
        _executors = state.Executors;
        _gpus = state.Gpus;
        _builder = builder;

        Receive<LoadModel>(load =>
        {
            _core.Load(load, Sender);
            Perform();
        });
        Receive<UnloadModel>(unload =>
        {
            _core.Unload(unload, Sender);
            Perform();
        });
        Receive<ModelResolved>(resolved =>
        {
            _core.Resolved(resolved);
            Perform();
        });
        Receive<InstanceBuilt>(built =>
        {
            _core.Built(built);
            Perform();
        });
        Receive<InstanceReady>(ready =>
        {
            _core.Ready(ready);
            Perform();
        });
        Receive<BuildFailed>(failed =>
        {
            _core.Failed(failed);
            Perform();
        });
        Receive<InstanceGone>(gone =>
        {
            _core.Gone(gone);
            Perform();
        });
        Receive<GpusStarted>(started =>
        {
            foreach ((int ordinal, IActorRef gpu) in started.Gpus)
            {
                _gpus[ordinal] = gpu;
            }
        });
        Receive<DevicesReady>(ready =>
        {
            foreach (int ordinal in ready.Ordinals)
            {
                _executors[ordinal] = ready.Executor;
            }

            _core.Ready(ready.Ordinals);
            Perform();
        });
        Receive<DeviceGone>(gone =>
        {
            _core.Gone(gone.Ordinal, gone.Reason, gone.ForGood);
            Perform();
        });
    }

    public static Props Props(ModelDirectoryState state, IActorRef builder) => Akka.Actor.Props.Create<ModelDirectoryActor>(state, builder);

    protected override void PreRestart(Exception reason, object message)
    {
        _log.Error(reason, "The model directory failed at {0}; it goes on with what it has.", message.GetType().Name);
        _decisions.Clear();
    }

    private void Perform()
    {
        for (int i = 0; i < _decisions.Count; i++)
        {
            Perform(_decisions[i]);
        }

        _decisions.Clear();
    }

    private void Perform(ModelDecision decision)
    {
        switch (decision.Action)
        {
            case ModelAction.TellBuilder:
                _builder.Tell(decision.Message, Self);
                break;
            case ModelAction.TellExecutor:
                _executors[decision.Ordinal].Tell(decision.Message, Self);
                break;
            case ModelAction.TellGpu:
                _gpus[decision.Ordinal].Tell(decision.Message, Self);
                break;
            case ModelAction.Announce:
                _node.Tell(new ModelsChanged(_core.Snapshot(), decision.ReplyTo as IActorRef, decision.Reply), Self);
                break;
        }
    }
}

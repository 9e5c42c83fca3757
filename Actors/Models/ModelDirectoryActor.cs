using Akka.Actor;
using Akka.Event;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>The node's directory of model versions; takes loads and unloads from this node's edge and, through its gateway, from other
/// nodes.</summary>
/// <remarks><b>Owns</b> nothing: what it knows is in <see cref="ModelDirectoryState"/>, which survives a restart of the actor.
/// <b>Thread</b> its mailbox's. <b>Blocks</b> never: disk and device are the builder's.</remarks>
internal sealed class ModelDirectoryActor : ReceiveActor, IModelShell
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly ModelDirectoryState _state;
    private readonly ModelDirectoryCore _core;
    private readonly IActorRef _builder;
    private readonly IActorRef _node = Context.Parent;
    private readonly IActorRef _self;

    public ModelDirectoryActor(ModelDirectoryState state, IActorRef builder)
    {
        _state = state;
        _core = state.Core;
        _builder = builder;
        _self = Self;

        On<LoadModel>(load => Ask(load, Asker()));
        On<LoadOwn>(own => _core.Load(own.Load, Asker(), isOwn: true));
        On<UnloadOwn>(own => _core.Unload(own.Unload, Asker(), isOwn: true));
        On<LoadGiven>(given => Ask(given, Asker()));
        On<UnloadModel>(unload => Ask(unload, Asker()));
        On<ModelsAsked>(asked => Ask(asked.Request, asked.Asker));
        On<ModelResolved>(_core.Resolved);
        On<InstanceBuilt>(_core.Built);
        On<InstanceReady>(_core.Ready);
        On<BuildFailed>(_core.Failed);
        On<InstanceGone>(_core.Gone);
        On<DeviceGone>(_core.Gone);
        On<DevicesReady>(AddDevices);
        On<GpusStarted>(_state.AddGpus);
    }

    public static Props Props(ModelDirectoryState state, IActorRef builder) => Akka.Actor.Props.Create<ModelDirectoryActor>(state, builder);

    protected override void PreStart() => Apply();

    protected override void PreRestart(Exception reason, object message) =>
        _log.Error(reason, "The model directory failed at {0}; it goes on with what it has.", message.GetType().Name);

    void IModelShell.TellBuilder(IBuilderRequest request) => _builder.Tell(request, _self);

    void IModelShell.TellExecutor(int ordinal, AdoptInstance adopt) => _state.Executors[ordinal].Tell(adopt, _self);

    void IModelShell.TellGpu(int ordinal, UnloadInstance unload) => _state.Gpus[ordinal].Tell(unload, _self);

    void IModelShell.Announce(IReplyTo<ModelReply>? asker, ModelReply? reply)
    {
        _state.Configurations.Replace(_core.Configurations());
        _node.Tell(new ModelsChanged(_core.Snapshot(), asker, reply), _self);
    }

    public void Failed(in ModelDecision decision, Exception cause)
    {
        _log.Error(cause, "The model directory's {0} failed.", decision.Action);
        _core.Failed(decision, cause);
    }

    private void On<TMessage>(Action<TMessage> handle) =>
        Receive<TMessage>(message =>
        {
            handle(message);
            Apply();
        });

    private void Apply() => _state.Decisions.ApplyTo(this);

    private ActorReply<ModelReply> Asker() => new(Sender, _self);

    /// <summary>What clients ask for; what they are refused stands in the log too.</summary>
    private void Ask(IModelRequest request, IReplyTo<ModelReply> asker)
    {
        var logged = new LoggedReply(asker, _log);
        if (!_state.LoadsForOthers)
        {
            const string Refusal = "This node loads and unloads models by its own settings alone (--model-control).";
            logged.Answer(new ModelReply.Failed(request.Name, FailureKind.NotSupported, Refusal));
            return;
        }

        switch (request)
        {
            case LoadGiven given:
                _core.Load(given.Load, given.Given, logged);
                break;
            case LoadModel load:
                _core.Load(load, logged);
                break;
            case UnloadModel unload:
                _core.Unload(unload, logged);
                break;
        }
    }

    /// <summary>Writes down what it refuses.</summary>
    private sealed class LoggedReply(IReplyTo<ModelReply> asker, ILoggingAdapter log) : IReplyTo<ModelReply>
    {
        public void Answer(ModelReply reply)
        {
            if (reply is ModelReply.Failed failed)
            {
                log.Warning("model {0}: {1}: {2}", failed.Name, failed.Kind, failed.Detail);
            }

            asker.Answer(reply);
        }
    }

    private void AddDevices(DevicesReady ready)
    {
        _state.AddExecutor(ready);
        _core.Ready(ready.Ordinals);
    }
}

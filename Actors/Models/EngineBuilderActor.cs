using Akka.Actor;
using Akka.Event;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>Loads and builds modules, which takes as long as it takes, away from the executors that serve.</summary>
/// <remarks><b>Owns</b> an instance until an executor takes it. <b>Thread</b> its own, pinned, in the same primary device contexts on
/// streams of its own. <b>Blocks</b> on disk and device: that is what it is for.</remarks>
internal sealed class EngineBuilderActor : ReceiveActor
{
    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly IPlatform _platform;
    private readonly IModelRepository _repository;
    private readonly InstanceOptions _options;
    private readonly CancellationToken _stopping;

    public EngineBuilderActor(IPlatform platform, IModelRepository repository, InstanceOptions options, CancellationToken stopping)
    {
        _stopping = stopping;
        _platform = platform;
        _repository = repository;
        _options = options;

        Receive<ResolveModel>(resolve =>
            Try(resolve.Ticket, () => Sender.Tell(new ModelResolved(resolve.Ticket, _repository.Resolve(resolve.Load))))
        );
        Receive<BuildInstance>(build => Try(build.Ticket, () => Build(build)));
        Receive<DiscardInstance>(discard => discard.HandOver.Claim()?.Dispose());
    }

    public static Props Props(IPlatform platform, IModelRepository repository, InstanceOptions options, CancellationToken stopping) =>
        Akka.Actor.Props.Create<EngineBuilderActor>(platform, repository, options, stopping).WithDispatcher("troupe.builder");

    private void Build(BuildInstance build)
    {
        IModuleInstance instance = _platform.Load(build.Source, build.Ordinal, _options, _stopping);
        Sender.Tell(new InstanceBuilt(build.Ticket, build.Ordinal, instance.Module, instance.Ordinals, new InstanceHandOver(instance)));
    }

    /// <summary>Every request is answered: what a model brings about must never leave a load without an end.</summary>
    private void Try(long ticket, Action step)
    {
        try
        {
            step();
        }
        catch (ModuleLoadException exception)
        {
            Sender.Tell(new BuildFailed(ticket, exception.Kind, exception.Message));
        }
        catch (ForwardException exception)
        {
            Sender.Tell(new BuildFailed(ticket, exception.Kind, exception.Message));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Sender.Tell(new BuildFailed(ticket, FailureKind.InvalidModel, exception.Message));
        }
        catch (Exception exception)
        {
            _log.Error(exception, "A load failed in a way that is a defect of the node.");
            Sender.Tell(new BuildFailed(ticket, FailureKind.Internal, exception.Message));
        }
    }
}

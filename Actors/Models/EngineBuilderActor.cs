using System.Diagnostics;
using Akka.Actor;
using Akka.Event;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Models;

/// <summary>Loads and builds modules, which takes as long as it takes, away from the executors that serve: each step on a thread of its
/// own within a bound, so that one that hangs holds up no other.</summary>
/// <remarks><b>Owns</b> an instance until an executor takes it, and the threads. <b>Thread</b> its mailbox's; steps run on their own, in
/// the same primary device contexts on streams of their own. <b>Blocks</b> when it stops, for steps that are under way, within a
/// bound.</remarks>
internal sealed class EngineBuilderActor : ReceiveActor, IWithTimers
{
    /// <summary>Steps that hang and were given up; with so many of them the node loads nothing new.</summary>
    public const int MaxAbandoned = 16;

    private static readonly TimeSpan StopBound = TimeSpan.FromSeconds(5);

    private readonly ILoggingAdapter _log = Context.GetLogger();
    private readonly BuilderSpec _spec;
    private readonly CancellationToken _stopping;
    private readonly Dictionary<long, BuilderWork> _running = [];
    private readonly HashSet<BuilderWork> _abandoned = [];
    private readonly IActorRef _self;

    public EngineBuilderActor(BuilderSpec spec, CancellationToken stopping)
    {
        _spec = spec;
        _stopping = stopping;
        _self = Self;

        Receive<ResolveModel>(resolve =>
            Start(resolve.Ticket, $"Finding and trying the files of '{resolve.Load.Name}'", work => Resolve(resolve, work.Cancellation))
        );
        Receive<BuildInstance>(build =>
            Start(
                build.Ticket,
                $"Loading '{build.Source.Model.Name}' from '{build.Source.Path}' on device {build.Ordinal}",
                work => Build(build, work.Cancellation),
                build.IsRestore
            )
        );
        Receive<DiscardInstance>(discard => DisposeApart(discard.HandOver));
        Receive<StepDone>(Answer);
        Receive<StepTimedOut>(Abandon);
        Receive<StepEnded>(ended => _abandoned.Remove(ended.Work));
    }

    public ITimerScheduler Timers { get; set; } = null!;

    public static Props Props(BuilderSpec spec, CancellationToken stopping) =>
        Akka.Actor.Props.Create<EngineBuilderActor>(spec, stopping).WithDispatcher("troupe.builder");

    protected override void PostStop()
    {
        foreach ((long ticket, BuilderWork work) in _running)
        {
            if (!work.TrySettle())
            {
                // It is done, and word of that comes to nobody.
                work.Discard();
            }

            work.Cancel();
            work.Asker.Tell(new BuildFailed(ticket, FailureKind.Cancelled, $"{work.What} ended with the node's builder."));
        }

        // One bound for all of them: each was told to end above.
        long begun = Stopwatch.GetTimestamp();
        foreach (BuilderWork work in _running.Values)
        {
            TimeSpan left = StopBound - Stopwatch.GetElapsedTime(begun);
            work.Join(left > TimeSpan.Zero ? left : TimeSpan.Zero);
        }
    }

    private void Start(long ticket, string what, Func<BuilderWork, object> step, bool isRestore = false)
    {
        if (!isRestore && _abandoned.Count >= MaxAbandoned)
        {
            Sender.Tell(
                new BuildFailed(
                    ticket,
                    FailureKind.QueueFull,
                    $"{MaxAbandoned} loads hang on this node, among them: {_abandoned.First().What}. Restart the node, or free what they wait for."
                )
            );
            return;
        }

        var work = new BuilderWork(Sender, what, _stopping);
        _running.Add(ticket, work);
        Timers.StartSingleTimer(ticket, new StepTimedOut(ticket), _spec.StepBound);
        work.Start(() =>
        {
            object answer = Try(ticket, () => step(work));
            if (work.TrySettle(answer))
            {
                _self.Tell(new StepDone(ticket, work));
                return;
            }

            work.Discard();
            _self.Tell(new StepEnded(work));
        });
    }

    private void Answer(StepDone done)
    {
        // Not of a former life of this actor, which has answered for it.
        if (_running.GetValueOrDefault(done.Ticket) == done.Work)
        {
            _running.Remove(done.Ticket);
            Timers.Cancel(done.Ticket);
            done.Work.Asker.Tell(done.Work.Answer);
        }
    }

    private void Abandon(StepTimedOut late)
    {
        if (!_running.TryGetValue(late.Ticket, out BuilderWork? work) || !work.TrySettle())
        {
            return;
        }

        _running.Remove(late.Ticket);
        _abandoned.Add(work);
        work.Cancel();
        string detail =
            $"{work.What} took longer than {_spec.StepBound.TotalSeconds:0.###} s and was given up. See whether its files can be read; a model that needs longer is given it with --load-timeout.";
        _log.Error(detail);
        work.Asker.Tell(new BuildFailed(late.Ticket, FailureKind.DeadlineExceeded, detail));
    }

    private object Resolve(ResolveModel resolve, CancellationToken cancellation)
    {
        LoadModel load = resolve.Load;
        IModelRepository repository = resolve.IsOwn ? _spec.Repository : _spec.Repository.ForOthers;
        repository = resolve.Given is { } given ? repository.With(given) : repository;
        IReadOnlyList<int> versions = load is { Number: null, Path: null } ? repository.VersionsOf(load) : [];
        int[] further = [.. versions.Skip(1)];
        ModuleSource? source = null;
        try
        {
            source = repository.Resolve(versions.Count > 0 ? load with { Number = versions[0] } : load);
            source = source with { Devices = source.Configuration?.LanesOn(_spec.Platform.Devices)?.Keys.ToArray() };
            bool isTried = _spec.Probe is not null && (_spec.ProbesOwn || !resolve.IsOwn) && source.Configuration?.Refusal() is null;
            return new ModelResolved(resolve.Ticket, isTried ? _spec.Probe!.Try(source, cancellation) : source, further);
        }
        catch (ModuleLoadException refused) when (source is not null || refused.Version is not null)
        {
            return new BuildFailed(resolve.Ticket, refused.Kind, refused.Message)
            {
                Version = source ?? new ModuleSource(refused.Version!.Value, ""),
                Further = further,
            };
        }
    }

    private InstanceBuilt Build(BuildInstance build, CancellationToken cancellation)
    {
        ModuleSource source = build.Source;
        if (source.Configuration?.Refusal() is { } refusal)
        {
            throw new ModuleLoadException(FailureKind.NotSupported, refusal);
        }

        int lanes = source.Configuration?.LanesOn(_spec.Platform.Devices)?.GetValueOrDefault(build.Ordinal, 1) ?? _spec.Options.MaxLanes;
        IModuleInstance instance = _spec.Platform.Load(source, build.Ordinal, _spec.Options with { MaxLanes = lanes }, cancellation);
        try
        {
            ModelConfiguration configuration =
                build.Configuration
                ?? ModelConfiguration.Of(
                    source.Configuration,
                    instance.Module,
                    RepositoryFiles.NameFor(instance.Module.Platform) ?? "",
                    [.. _spec.Platform.Devices.Where(device => source.Devices?.Contains(device.Ordinal) != false)],
                    _spec.Options.MaxLanes,
                    _spec.DefaultMaxBatchSize
                );
            IEnumerable<WarmupRequest> warmup = configuration.WarmupOf(source.Configuration);
            WarmupRun.Run(instance, configuration, build.IsRestore ? Readable(warmup, build) : warmup, cancellation);
            return new InstanceBuilt(build.Ticket, build.Ordinal, instance.Module, instance.Ordinals, new InstanceHandOver(instance))
            {
                Configuration = configuration,
            };
        }
        catch
        {
            instance.Dispose();
            throw;
        }
    }

    /// <summary>Calls as far as their files are there: a model that was served comes back without the rest.</summary>
    private IEnumerable<WarmupRequest> Readable(IEnumerable<WarmupRequest> warmup, BuildInstance build)
    {
        using IEnumerator<WarmupRequest> requests = warmup.GetEnumerator();
        while (true)
        {
            try
            {
                if (!requests.MoveNext())
                {
                    yield break;
                }
            }
            catch (ModuleLoadException missing)
            {
                _log.Warning($"'{build.Source.Model.Name}' comes back to device {build.Ordinal} and is not warmed up: {missing.Message}");
                yield break;
            }

            yield return requests.Current;
        }
    }

    /// <summary>Waits for the instance's work, which is no reason for others to wait.</summary>
    private static void DisposeApart(InstanceHandOver handOver)
    {
        if (handOver.Claim() is { } instance)
        {
            new Thread(instance.Dispose) { IsBackground = true, Name = "troupe builder" }.Start();
        }
    }

    /// <summary>Every request is answered: what a model brings about must never leave a load without an end.</summary>
    private object Try(long ticket, Func<object> step)
    {
        try
        {
            return step();
        }
        catch (ModuleLoadException exception)
        {
            return new BuildFailed(ticket, exception.Kind, exception.Message);
        }
        catch (ForwardException exception)
        {
            return new BuildFailed(ticket, exception.Kind, exception.Message);
        }
        catch (OperationCanceledException)
        {
            return new BuildFailed(ticket, FailureKind.Cancelled, "The load was given up before it was done.");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return new BuildFailed(ticket, FailureKind.InvalidModel, exception.Message);
        }
        catch (OutOfMemoryException exception)
        {
            _log.Error(exception, "A load found no memory.");
            return new BuildFailed(ticket, FailureKind.OutOfDeviceMemory, "The node has no memory left to load the model.");
        }
        catch (Exception exception)
        {
            _log.Error(exception, "A load failed in a way that is a defect of the node.");
            return new BuildFailed(ticket, FailureKind.Internal, "The load met a defect of the node, which its log describes.");
        }
    }

    private sealed record StepDone(long Ticket, BuilderWork Work) : INoSerializationVerificationNeeded;

    private sealed record StepTimedOut(long Ticket) : INoSerializationVerificationNeeded;

    /// <summary>A step that had been given up is over.</summary>
    private sealed record StepEnded(BuilderWork Work) : INoSerializationVerificationNeeded;
}

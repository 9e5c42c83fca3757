using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>One GPU's decisions with everything around them written down: what tests of <see cref="GpuCore"/> share.</summary>
public abstract class GpuStage
{
    private protected static readonly GpuId Id = new(new NodeId("a:1"), 0);
    private protected static readonly ModelVersion Model = new("m", 1, default);
    private protected static readonly ModelVersion Second = new("n", 1, default);

    private readonly GpuRecorder _recorder = new();
    private ulong _counter;

    protected GpuStage() =>
        Core = new GpuCore(
            new GpuSpec(Id, "fake", 100, QueueLimit: 2, LaunchLimit: 1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)),
            _recorder.Queue
        );

    private protected GpuCore Core { get; }

    private protected ModesAsker Asker { get; } = new();

    private protected TimeSpan Now { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Launched so far.</summary>
    private protected List<Launch> Launches { get; } = [];

    private protected List<GpuDecision> Decisions => _recorder.Applied;

    /// <summary>What an executor does first.</summary>
    private protected static void Begin(Launch launch)
    {
        foreach (AdmittedForward forward in launch.Forwards)
        {
            forward.MarkLaunched();
        }
    }

    private protected void Ready(bool safe = true)
    {
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        Adopt(Model, safe);
    }

    /// <summary>An instance comes; the executor has freed at once what no mode holds.</summary>
    private protected void Adopt(ModelVersion model, bool safe = true, int incarnation = 1)
    {
        int before = Decisions.Count;
        Core.Adopt(new InstanceAdopted(1, incarnation, 0, Spec(model, safe), ModuleTraits.Plain), Now);
        foreach (ReleaseResources told in Decisions.Skip(before).Select(decision => decision.Message).OfType<ReleaseResources>().ToList())
        {
            Core.Released(new ResourcesReleased(incarnation, model, told.Held), Now);
        }
    }

    private protected static ModuleSpec Spec(ModelVersion model, bool safe) => new(model, "fake", [], [], [], safe);

    private protected List<GpuDecision> Admit(ModelVersion model, TimeSpan queueTime = default)
    {
        Decisions.Clear();
        var forward = new Forward
        {
            Id = new RequestId(default, ++_counter),
            Model = new ModelReference(model.Name),
            Inputs = [],
            QueueTime = queueTime,
        };
        Core.Admit(new DispatchForward(forward, model, 1, Now + TimeSpan.FromSeconds(30), null), Now);
        return Taken();
    }

    private protected List<GpuDecision> Complete(Launch launch)
    {
        Decisions.Clear();
        Core.Complete(new LaunchEnded(launch, [.. launch.Forwards.Select(_ => ForwardResult.Succeeded([], default))]), Now);
        return Taken();
    }

    private protected List<GpuDecision> Drop(ulong counter)
    {
        Decisions.Clear();
        Core.Drop(new DropForward(new RequestId(default, counter), 1), Now);
        return Taken();
    }

    private protected void Commit(long change, IEffectiveModes modes, ModeScope? scope = null)
    {
        Decisions.Clear();
        Core.Modes.Apply(new ApplyGpuModes(change, modes, scope), Asker);
    }

    private protected string[] Explained()
    {
        Decisions.Clear();
        Core.Modes.Check(new CheckGpuModes(4, Core.Modes.Present, Explains: true), Asker);
        return [.. Assert.IsType<GpuModesChecked>(Assert.Single(Decisions).Message).Refusals.Select(refusal => refusal.Reason)];
    }

    private protected List<GpuDecision> Taken()
    {
        Launches.AddRange(Decisions.Select(decision => decision.Message).OfType<Launch>());
        return [.. Decisions];
    }

    /// <summary>What the origin hears with this decision.</summary>
    private protected static ForwardOutcome? Outcome(GpuDecision decision) =>
        decision.Message as ForwardOutcome ?? (decision.Message as GpuRelease)?.Outcome;

    private protected static Launch LaunchOf(IEnumerable<GpuDecision> decisions) =>
        decisions.Select(decision => decision.Message).OfType<Launch>().Single();

    private protected static (FailureKind Kind, RetryAdvice Advice) Refused(List<GpuDecision> decisions)
    {
        GpuDecision decision = Assert.Single(decisions);
        Assert.Equal(GpuAction.Release, decision.Action);
        return (Assert.IsType<ForwardReply.Failed>(Outcome(decision)!.Reply).Kind, Outcome(decision)!.Advice);
    }

    private protected sealed class ModesAsker : IReplyTo<IGpuModesAnswer>
    {
        public void Answer(IGpuModesAnswer reply) => throw new InvalidOperationException("The recorder writes it down.");
    }
}

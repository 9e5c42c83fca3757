using Akka.Actor;
using Troupe.Actors.Gpu;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Instances that come take what modes ask of them (<see cref="GpuModes"/>) before forwards are admitted.</summary>
public sealed class GpuAdoptionTests : GpuStage
{
    [Fact]
    public void A_commit_under_way_ends_when_the_executor_is_lost()
    {
        Ready();
        Admit(Model);
        Commit(3, new FixedModes(new ModeSettings { Workspace = WorkspaceStrategy.Dynamic }, 1, Model));
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Single(Decisions, decision => decision.Message is GpuModesApplied { Change: 3 });

        // The instance that comes back takes what holds before it is admitted.
        Core.Start(new ExecutorReady(2, ActorRefs.Nobody, [0]));
        Decisions.Clear();
        Core.Adopt(new InstanceAdopted(9, 2, 0, Spec(Model, true), ModuleTraits.Plain), Now);
        ApplySettings apply = Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message);
        Assert.Equal(FailureKind.ModelNotLoaded, Refused(Admit(Model)).Kind);
        Core.Applied(new SettingsApplied(2, Model, apply.Settings, null), Now);
        Core.Released(new ResourcesReleased(2, Model, default), Now);
        Assert.Contains(Decisions, decision => decision.Message is InstanceReady { Ticket: 9 });
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void An_instance_that_comes_hears_what_modes_hold_of_it_before_it_is_admitted(bool isHeld, bool hasOwnSettings)
    {
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        var settings = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        var held = new HeldModes(isHeld, false, isHeld, false);
        Commit(1, new FixedModes(settings, 1, hasOwnSettings ? Model : null) { Holds = held });
        Decisions.Clear();
        Core.Adopt(new InstanceAdopted(9, 1, 0, Spec(Model, true), ModuleTraits.Plain), Now);
        if (hasOwnSettings)
        {
            Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message);
            Decisions.Clear();
            Core.Applied(new SettingsApplied(1, Model, settings, null), Now);
        }

        Assert.Equal(held, Assert.IsType<ReleaseResources>(Assert.Single(Decisions).Message).Held);
        Assert.Equal(FailureKind.ModelNotLoaded, Refused(Admit(Model)).Kind);
        Core.Released(new ResourcesReleased(1, Model, held), Now);
        Assert.Contains(Decisions, decision => decision.Message is InstanceReady { Ticket: 9 });

        // It knows: a change that changes nothing about it tells it nothing.
        Commit(2, new FixedModes(settings, 2, hasOwnSettings ? Model : null) { Holds = held });
        Assert.Equal(2, Assert.IsType<GpuModesApplied>(Assert.Single(Decisions).Message).Change);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void An_instance_that_comes_while_modes_change_ends_with_those_that_hold(bool answeredFirst, bool released)
    {
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        var former = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new FixedModes(former, 1, Model));
        Decisions.Clear();
        Adopt(Model);
        Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message);

        // The executor has not answered yet; its answers come in the order it was told.
        var told = new Queue<object>(Decisions.Select(decision => decision.Message!));
        ModeSettings last = ModeSettings.Default;
        if (answeredFirst)
        {
            Answer(told, ref last);
            Take(told);
        }

        Commit(2, new FixedModes(new ModeSettings(), 2) { Holds = new HeldModes(released, false, false, false) });
        bool committed = Decisions.Exists(decision => decision.Message is GpuModesApplied { Change: 2 });
        Take(told);
        while (told.Count > 0)
        {
            Answer(told, ref last);
            committed |= Decisions.Exists(decision => decision.Message is GpuModesApplied { Change: 2 });
            Take(told);
        }

        Assert.True(committed, "The change is never acknowledged.");
        Assert.Equal(WeightBudget.Automatic, last.WeightBudget);
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);

        void Take(Queue<object> messages)
        {
            foreach (
                object message in Decisions
                    .Where(decision => decision.Action == GpuAction.TellExecutor)
                    .Select(decision => decision.Message!)
            )
            {
                messages.Enqueue(message);
            }

            Decisions.Clear();
        }

        void Answer(Queue<object> messages, ref ModeSettings applied)
        {
            Decisions.Clear();
            switch (messages.Dequeue())
            {
                case ApplySettings apply:
                    applied = apply.Settings;
                    Core.Applied(new SettingsApplied(1, Model, apply.Settings, null), Now);
                    break;
                case ReleaseResources release:
                    Core.Released(new ResourcesReleased(1, Model, release.Held), Now);
                    break;
            }
        }
    }

    [Fact]
    public void An_instance_that_could_not_take_the_settings_when_it_came_fails_its_forwards_and_is_explained()
    {
        Core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new FixedModes(budget, 1, Model));
        Adopt(Model);
        Core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.OutOfDeviceMemory, "no room")), Now);
        Core.Released(new ResourcesReleased(1, Model, default), Now);
        Assert.Equal(FailureKind.ModeConflict, Refused(Admit(Model)).Kind);
        Assert.Equal(["they contradict", "no room"], Explained());

        // The change that was its reason ends: it runs, and there is nothing left to explain.
        Commit(2, new FixedModes(new ModeSettings(), 2));
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
        Assert.Empty(Explained());
    }
}

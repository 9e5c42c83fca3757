using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Models;
using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>What a GPU's forwards and instances run with (<see cref="GpuModes"/>).</summary>
public sealed class GpuModesTests : GpuStage
{
    [Fact]
    public void Settings_are_those_of_the_moment_a_forward_is_queued()
    {
        Ready();
        Admit(Model);
        Admit(Model);
        Commit(1, new FixedModes(new ModeSettings { MultiDeviceSafe = true }, 5));
        Admit(Model);
        List<AdmittedForward> queued = [];
        for (int i = 0; i < 3; i++)
        {
            Launch launch = Launches[^1];
            queued.Add(launch.Forwards[0]);
            Complete(launch);
        }

        Assert.Equal([false, false, true], queued.Select(forward => forward.Settings.MultiDeviceSafe));
        Assert.Equal([0, 0, 5], queued.Select(forward => forward.Epoch));
    }

    [Fact]
    public void Preparing_asks_every_instance_and_changes_nothing()
    {
        Ready();
        Adopt(Second);
        Decisions.Clear();
        Core.Modes.Check(new CheckGpuModes(4, new FixedModes(new ModeSettings { MultiDeviceSafe = true }, 5, Second)), Asker);
        GpuModesChecked prepared = Assert.IsType<GpuModesChecked>(Assert.Single(Decisions).Message);
        InstanceRefusal refusal = Assert.Single(prepared.Refusals);
        Assert.Equal((4, Second, "they contradict"), (prepared.Change, refusal.Model, refusal.Reason));
        Assert.False(LaunchOf(Admit(Model)).Settings.MultiDeviceSafe);
    }

    [Fact]
    public void A_change_of_the_instance_is_a_barrier_that_others_pass_by()
    {
        Ready();
        Adopt(Second);
        Launch before = LaunchOf(Admit(Model));
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(7, new FixedModes(budget, 6, Model));
        Admit(Model);
        Admit(Second);

        // The forward before ends: the settings are applied, the later one waits, the other model's does not.
        List<GpuDecision> after = Complete(before);
        Assert.Contains(after, decision => decision.Message is ApplySettings { Settings.WeightBudget.ByteCount: 10 });
        Launch other = LaunchOf(after);
        Assert.Equal(Second, other.Model);
        Assert.DoesNotContain(after, decision => decision.Message is GpuModesApplied);
        Complete(other);
        Decisions.Clear();
        Core.Applied(new SettingsApplied(1, Model, budget, null), Now);
        Assert.Equal(7, Assert.IsType<GpuModesApplied>(Decisions[0].Message).Change);
        Assert.Equal(Model, LaunchOf(Decisions).Model);
    }

    [Fact]
    public void A_change_of_one_model_waits_for_no_other_model()
    {
        Ready();
        Adopt(Second);
        Launch held = LaunchOf(Admit(Model));
        var small = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        var smaller = new ModeSettings { WeightBudget = WeightBudget.OfBytes(5) };
        Commit(1, new FixedModes(small, 1, Model));
        Commit(2, new FixedModes(smaller, 2, Model));
        Assert.Empty(Decisions);

        // The second model's change is applied, and acknowledged, while the first model's forward is held.
        var safe = new ModeSettings { WeightBudget = WeightBudget.OfBytes(7), MultiDeviceSafe = true };
        Commit(
            3,
            new FixedModes(smaller, 3, Model) { Others = { [Second] = safe } },
            new ModeScope { Model = new ModelReference(Second.Name) }
        );
        Assert.Equal(Second, Assert.IsType<ApplySettings>(Assert.Single(Decisions).Message).Model);
        Applied(Second, safe);
        Assert.Equal([3], Acknowledged());

        // The first model takes its changes one after the other, each behind the forwards queued before it.
        Admit(Model);
        Complete(held);
        Assert.Equal(10, Told().WeightBudget.ByteCount);
        Launch waited = LaunchOf(Applied(Model, small));
        Assert.Equal(1, waited.Forwards[0].Epoch);
        Assert.Equal([1], Acknowledged());
        Complete(waited);
        Assert.Equal(5, Told().WeightBudget.ByteCount);
        Applied(Model, smaller);
        Assert.Equal([2], Acknowledged());
        Assert.Equal(3, LaunchOf(Admit(Model)).Forwards[0].Epoch);

        List<GpuDecision> Applied(ModelVersion model, ModeSettings settings)
        {
            Decisions.Clear();
            Core.Applied(new SettingsApplied(1, model, settings, null), Now);
            return Taken();
        }

        ModeSettings Told() => Decisions.Select(decision => decision.Message).OfType<ApplySettings>().Single().Settings;

        IEnumerable<long> Acknowledged() =>
            Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Select(applied => applied.Change);
    }

    [Fact]
    public void An_instance_outside_a_change_that_cannot_take_what_holds_is_not_among_its_refusals()
    {
        Ready();
        Adopt(Second);
        var wide = new ModeSettings { WeightBudget = WeightBudget.OfBytes(-1) };
        var refusal = new InstanceRefusal(Model, FailureKind.NotSupported, "no budget");
        Commit(1, new FixedModes(wide, 1, Model));
        Core.Applied(new SettingsApplied(1, Model, wide, refusal), Now);

        // It tries again what it has not got, with a change that is another model's.
        var other = new ModeSettings { WeightBudget = WeightBudget.OfBytes(7) };
        Commit(
            2,
            new FixedModes(wide, 2, Model) { Others = { [Second] = other } },
            new ModeScope { Model = new ModelReference(Second.Name) }
        );
        Assert.Equal(2, Decisions.Count(decision => decision.Message is ApplySettings));
        Decisions.Clear();
        Core.Applied(new SettingsApplied(1, Model, wide, refusal), Now);
        Core.Applied(new SettingsApplied(1, Second, other, null), Now);
        Assert.Empty(Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Single().Refusals);
    }

    [Fact]
    public void A_change_waits_for_no_instance_that_has_gone_and_keeps_no_other_from_leaving()
    {
        Ready();
        Adopt(Second);
        Launch held = LaunchOf(Admit(Model));
        Commit(1, new FixedModes(new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) }, 1, Model));
        Commit(2, new FixedModes(new ModeSettings { WeightBudget = WeightBudget.OfBytes(5) }, 2, Model));
        Core.Unload(new UnloadInstance(Second));
        Assert.Contains(Decisions, decision => decision.Message is RetireInstance { Model: var retired } && retired == Second);
        Core.Retired(new InstanceRetired(1, Second));
        Assert.DoesNotContain(Decisions, decision => decision.Message is GpuModesApplied);
        Decisions.Clear();
        Core.EndExecutor(new ExecutorLost(1, "a defect", false));
        Assert.Equal([1, 2], Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Select(applied => applied.Change));
        Assert.NotNull(held);
    }

    [Fact]
    public void A_refused_change_is_reported_and_the_waiting_forwards_run()
    {
        Ready();
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(-1) };
        Commit(1, new FixedModes(budget, 1, Model));
        Admit(Model);
        Decisions.Clear();
        Core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.NotSupported, "no budget")), Now);
        GpuModesApplied committed = Decisions.Select(decision => decision.Message).OfType<GpuModesApplied>().Single();
        Assert.Equal("no budget", Assert.Single(committed.Refusals).Reason);
        Assert.Single(Decisions, decision => decision.Message is Launch);
    }

    [Fact]
    public void Resources_are_released_once_the_forwards_queued_under_them_are_done()
    {
        Ready();
        Commit(1, new FixedModes(new ModeSettings(), 1) { Holds = new HeldModes(true, false, false, false) });
        Core.Released(new ResourcesReleased(1, Model, new HeldModes(true, false, false, false)), Now);
        Launch under = LaunchOf(Admit(Model));
        Commit(2, new FixedModes(new ModeSettings(), 2));
        Assert.DoesNotContain(Decisions, decision => decision.Message is ReleaseResources or GpuModesApplied);
        Assert.Contains(Complete(under), decision => decision.Message is ReleaseResources { Held.SegmentGraphs: false });
        Decisions.Clear();
        Core.Released(new ResourcesReleased(1, Model, default), Now);
        Assert.Equal(2, Assert.IsType<GpuModesApplied>(Assert.Single(Decisions).Message).Change);
    }

    [Fact]
    public void An_instance_that_keeps_its_former_settings_is_explained_until_it_has_those_that_hold()
    {
        Ready();
        var budget = new ModeSettings { WeightBudget = WeightBudget.OfBytes(10) };
        Commit(1, new FixedModes(budget, 1, Model));
        Core.Applied(new SettingsApplied(1, Model, budget, new InstanceRefusal(Model, FailureKind.OutOfDeviceMemory, "no room")), Now);
        Assert.Contains("It keeps its former settings: no room", Explained());
        Assert.Contains(Admit(Model), decision => decision.Message is Launch);
        Commit(2, new FixedModes(new ModeSettings(), 2));
        Assert.Empty(Explained());
    }
}

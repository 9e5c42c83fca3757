using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <content>Entering, replacing and exiting: applied, published and freed in one order, inside the gates of their modules.</content>
public sealed partial class RuntimeModes
{
    /// <summary>Enters a change on modules, all of them or none.</summary>
    /// <exception cref="ForwardException">The settings that would result contradict each other or a module, or applying them failed.
    /// Nothing changed.</exception>
    internal EnteredMode Enter(IReadOnlyList<IModeTarget> modules, ModeChange change)
    {
        Require(modules, change);
        return new EnteredMode(this, modules, PutInForce(modules, [], change));
    }

    /// <summary>Puts another change in the place of one that was entered; where it fails, the former one still holds.</summary>
    internal ModeStamp[] Replace(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps, ModeChange change)
    {
        Require(modules, change);
        return PutInForce(modules, stamps, change);
    }

    /// <summary>Ends what was entered and gives back what only it held. Does not fail: what cannot be applied is tried again and reported
    /// by the next forward.</summary>
    internal void Exit(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps)
    {
        TargetModes[] targets = [.. modules.Select(module => _targets.GetValueOrDefault(module)).OfType<TargetModes>()];
        using var hold = new TargetHold(targets);
        ModesInForce before;
        lock (_gate)
        {
            _safeModes.RemoveAll(set => stamps.Contains(set.Stamp));
            before = _inForce;
            Publish(_table.Without(stamps));
        }

        foreach (TargetModes target in targets.Where(IsKnown))
        {
            ModeSettings settings = target.AdmitAnew(_inForce).Settings;
            if (target.IsUnapplied || PerInstance.Differs(settings, target.AdmitAnew(before).Settings))
            {
                target.Restore(settings);
            }

            target.Module.FreeAllBut(HeldBy(target));
        }
    }

    private void Set(ModeChange change)
    {
        lock (_gate)
        {
            ModeTable table = _table.With(Entry(ModeScope.Cluster, change, entered: false));
            Publish(table.Without([.. table.Hidden()]));
        }

        foreach (TargetModes target in _targets.Values)
        {
            lock (target.Gate)
            {
                if (IsKnown(target))
                {
                    target.Module.FreeAllBut(HeldBy(target));
                }
            }
        }
    }

    /// <summary>Applies what a change means for modules, in the place of what was entered before, all of them or none, and publishes
    /// it. While it waits for them it holds nothing that other modules need.</summary>
    private ModeStamp[] PutInForce(IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> replaced, ModeChange change)
    {
        TargetModes[] targets = [.. modules.Select(TargetOf)];
        using var hold = new TargetHold(targets);
        ModeEntry[] entries;
        TargetChange[] changes;
        lock (_gate)
        {
            entries = [.. targets.Select(target => Entry(ScopeOf(target.Module), change, entered: true))];
            ModesInForce after = ModesInForce.Of(_table.Without(replaced).With(entries).Entries, _ => true, _time);
            changes = [.. targets.Select(target => ChangeOf(target, after))];
        }

        TargetChange.ApplyAll(changes);
        lock (_gate)
        {
            Publish(_table.Without(replaced).With(entries));
        }

        foreach (TargetChange applied in changes)
        {
            applied.Target.Module.FreeAllBut(HeldBy(applied.Target));
            if (applied.BeginsGraphs)
            {
                applied.Target.Module.WarmUp(applied.After);
            }
        }

        return [.. entries.Select(entry => entry.Stamp)];
    }

    private TargetChange ChangeOf(TargetModes target, ModesInForce after)
    {
        AdmittedModes admitted = target.AdmitAnew(after);
        return admitted.Refusal is not null && ModeConflicts.Find(admitted.Settings, target.Module.Traits) is { } refusal
            ? throw new ForwardException(refusal.Kind, refusal.Reason)
            : new TargetChange(target, target.AdmitAnew(_inForce).Settings, admitted.Settings);
    }

    private static void Require(IReadOnlyList<IModeTarget> modules, ModeChange change)
    {
        if (modules.Count == 0)
        {
            throw new ForwardException(FailureKind.InvalidRequest, "There is no module to set a mode for.");
        }

        if (ModeValidation.Change(ModeScope.Cluster, change) is { } invalid)
        {
            throw new ForwardException(invalid.Kind, invalid.Reason);
        }
    }
}

using System.Diagnostics;
using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>The changes of residency on one node, each from its request to its commit; <see cref="OperationQueue"/> says which are under
/// way.</summary>
/// <remarks>
/// Knows no Akka; part of <see cref="ModelDirectoryCore"/> and of its thread. It is long because the steps of one operation are
/// read together.
/// <code>
/// load:    resolve -> reserve -> (build -> check content -> adopt)* -> commit | take back
/// reload:  as a load, beside the version that serves -> it serves -> every device lets go of the older
/// restore: (build -> check content -> adopt) on the rebuilt device, or on the first sibling that takes it
/// unload:  every device lets go -> the versions are forgotten
/// a load waits until what its model was told to let go is gone
/// </code>
/// </remarks>
internal sealed class ModelOperations(ModelResidency residency, DecisionQueue<ModelDecision, IModelShell> decisions)
{
    private readonly OperationQueue _queue = new();
    private long _tickets;

    /// <inheritdoc cref="OperationQueue.Running"/>
    public IReadOnlyList<ModelOperation> Running => _queue.Running;

    public bool IsIdle => _queue.IsIdle;

    /// <summary>What loads which have not ended brought along.</summary>
    public IEnumerable<GivenModel> Given => _queue.All.OfType<ModelOperation.Load>().Select(load => load.Given).OfType<GivenModel>();

    /// <inheritdoc cref="OperationQueue.Of"/>
    public ModelOperation? Of(long ticket) => _queue.Of(ticket);

    public void Request(ModelOperation operation, IReplyTo<ModelReply>? asker)
    {
        if (_queue.IsFullFor(operation))
        {
            var refusal = new ModelReply.Failed(
                operation.Name,
                FailureKind.QueueFull,
                $"{OperationQueue.Limit} {(operation is ModelOperation.Load ? "loads" : "unloads")} wait on node {residency.Self} already. Try again later."
            );
            decisions.Add(ModelDecision.Announce(asker, refusal));
            return;
        }

        _queue.Add(operation);
        Advance();
    }

    /// <summary>Has a version brought back, whoever else waits.</summary>
    public void Restore(ModelEntry entry, int? ordinal) => _queue.Add(new ModelOperation.Restore(entry, ordinal));

    /// <summary>Begins every operation that waits for nobody.</summary>
    public void Advance()
    {
        while (_queue.TakeNext(MayBegin) is { } next)
        {
            switch (next)
            {
                case ModelOperation.Load load:
                    Begin(load);
                    break;
                case ModelOperation.Unload unload:
                    Begin(unload);
                    break;
                case ModelOperation.Restore restore:
                    Begin(restore);
                    break;
                default:
                    throw new UnreachableException();
            }
        }
    }

    /// <summary>The next device of an operation under way, or its commit.</summary>
    public void Next(ModelOperation operation)
    {
        bool enough = operation is ModelOperation.Restore && operation.Done.Count > 0;
        if (!enough && operation.Targets.TryDequeue(out int ordinal))
        {
            operation.Ordinal = ordinal;
            operation.Ticket = ++_tickets;
            if (residency.HasDevice(ordinal))
            {
                bool isRestore = operation is ModelOperation.Restore;
                decisions.Add(
                    ModelDecision.Builder(
                        new BuildInstance(operation.Ticket, operation.Source!, ordinal, isRestore)
                        {
                            Configuration = isRestore ? operation.Entry!.Configuration : null,
                        }
                    )
                );
            }
            else
            {
                Fail(operation, FailureKind.DeviceLost, $"Device {ordinal} was lost before the model was loaded on it.");
            }

            return;
        }

        Commit(operation);
    }

    /// <summary>Holds what a load has built against what is live: other content that may give way to it makes it the load of a newer
    /// generation.</summary>
    /// <returns>The version that it works on from now on.</returns>
    public ModelEntry Compare(ModelOperation.Load load, InstanceBuilt built)
    {
        ModelEntry entry = load.Entry!;
        ContentHash hash = built.Module.Model.Hash;
        if (load.Content is null && entry.Module is { } live && live.Model.Hash != hash && load.Replaces.Contains(live.Model.Hash))
        {
            entry = load.Entry = residency.ReserveBeside(entry, load.Source!, load.Given);
        }

        load.Content ??= hash;
        return entry;
    }

    /// <summary>Why an instance that an operation has built may not be used.</summary>
    public (FailureKind Kind, string Detail)? Objection(ModelOperation operation, InstanceBuilt built)
    {
        var load = operation as ModelOperation.Load;
        return load?.Content is { } content && content != built.Module.Model.Hash
            ? (
                FailureKind.InvalidModel,
                $"The files of '{built.Module.Model}' changed while it was loaded: content {content} on one device, {built.Module.Model.Hash} on another. Load it again once nobody writes them."
            )
            : residency.Objection(operation.Entry!, built, load?.Replaces ?? []);
    }

    /// <summary>An operation's present step has failed. A load of named devices, or of content that no device would take, ends here; others
    /// try the next device.</summary>
    public void Fail(ModelOperation operation, FailureKind kind, string detail)
    {
        if (operation.HandOver is { } handOver)
        {
            decisions.Add(ModelDecision.Builder(new DiscardInstance(handOver)));
            operation.HandOver = null;
        }

        operation.Failure ??= (kind, detail);
        if (operation is ModelOperation.Restore)
        {
            if (kind != FailureKind.DeviceLost)
            {
                // A device that is lost once more asks for it again when it is back; one that is gone for good is wanted no more.
                operation.Entry!.Wanted.Remove(operation.Ordinal);
            }

            Next(operation);
            return;
        }

        var load = (ModelOperation.Load)operation;
        if (residency.HasDevice(load.Ordinal))
        {
            load.Refused.Add(load.Ordinal);
        }

        bool nextMayTakeIt =
            kind == FailureKind.DeviceLost
            || (kind is FailureKind.NotSupported or FailureKind.OutOfDeviceMemory && load.Entry?.Replaced is null);
        if (!load.AllOrNothing && nextMayTakeIt && load.Entry is not null)
        {
            Next(load);
            return;
        }

        TakeBack(load, kind, detail);
        RefuseLoad(load, kind, detail);
    }

    /// <summary>Ends an unload once no device holds any of its versions, of whichever content.</summary>
    public void FinishUnload(ModelOperation.Unload unload)
    {
        if (residency.IsLeaving(unload.Request.Name, unload.Request.Number))
        {
            return;
        }

        foreach (ModelEntry entry in unload.Entries)
        {
            residency.End(entry, ModelSnapshot.UnloadedReason);
        }

        _queue.End(unload);
        int[] numbers = [.. unload.Entries.Select(entry => entry.Source.Model.Number ?? 1)];
        decisions.Add(ModelDecision.Announce(unload.Asker, new ModelReply.Unloaded(unload.Request.Name, numbers)));
    }

    /// <summary>A device has one instance of a content: what is being let go must be gone before it may be brought back, and what a load
    /// brings is not known before it has begun.</summary>
    private bool MayBegin(ModelOperation operation) =>
        operation switch
        {
            ModelOperation.Load load => !residency.IsLeaving(load.Name, number: null),
            ModelOperation.Restore { Version.Module: { } module } => !residency.IsLeaving(module.Model),
            _ => true,
        };

    private void LetGo(ModelVersion model, int ordinal)
    {
        residency.LetGo(model, ordinal);
        decisions.Add(ModelDecision.Gpu(ordinal, new UnloadInstance(model)));
    }

    private void Begin(ModelOperation.Load load) => Begin(load, load.Request);

    private void Begin(ModelOperation.Load load, LoadModel version)
    {
        foreach (int ordinal in load.AllOrNothing ? load.Request.Gpus!.Distinct() : residency.Devices)
        {
            if (!residency.HasDevice(ordinal))
            {
                RefuseLoad(
                    load,
                    FailureKind.NotFound,
                    $"Device {ordinal} is not among the ready devices of node {residency.Self} ({residency.ListDevices()})."
                );
                return;
            }

            load.Targets.Enqueue(ordinal);
        }

        if (load.Targets.Count == 0)
        {
            RefuseLoad(load, FailureKind.DeviceLost, $"Node {residency.Self} has no device that is ready.");
            return;
        }

        load.Ticket = ++_tickets;
        decisions.Add(ModelDecision.Builder(new ResolveModel(load.Ticket, version, load.IsOwn) { Given = load.Given }));
    }

    private void Begin(ModelOperation.Unload unload)
    {
        unload.Entries.AddRange(residency.Named(unload.Request));
        bool wasNamed = unload.IsOwn && residency.ForgetEnded(unload.Request);
        if (unload.Entries.Count == 0 && !wasNamed)
        {
            string what = unload.Request.Number is { } number
                ? $"Version {number} of model '{unload.Request.Name}'"
                : $"Model '{unload.Request.Name}'";
            _queue.End(unload);
            decisions.Add(
                ModelDecision.Announce(
                    unload.Asker,
                    new ModelReply.Failed(unload.Request.Name, FailureKind.NotFound, $"{what} is not loaded on node {residency.Self}.")
                )
            );
            return;
        }

        foreach (ModelEntry entry in unload.Entries)
        {
            entry.State = ModelState.Unloading;
            entry.Wanted.Clear();
            foreach (int ordinal in entry.Resident)
            {
                LetGo(entry.Module!.Model, ordinal);
            }
        }

        decisions.Add(ModelDecision.Announce());
        FinishUnload(unload);
    }

    private void Begin(ModelOperation.Restore restore)
    {
        ModelEntry entry = restore.Version;
        if (!residency.IsLive(entry))
        {
            _queue.End(restore);
            return;
        }

        restore.Entry = entry;
        restore.Source = entry.Source;
        IEnumerable<int> devices = restore.On is { } on ? [on] : residency.Devices.Where(entry.MayBeOn);
        foreach (int ordinal in devices.Where(ordinal => !entry.Resident.Contains(ordinal)))
        {
            restore.Targets.Enqueue(ordinal);
        }

        Next(restore);
    }

    private void Commit(ModelOperation operation)
    {
        ModelEntry entry = operation.Entry!;
        if (entry.Replaced is { } older && operation is ModelOperation.Load load)
        {
            CommitBeside(load, entry, older);
            return;
        }

        // A device brings it back when it is ready, or a sibling of one that is not; not what is new here, whose load has failed.
        bool isComingBack =
            operation is not ModelOperation.Load { Reserved: true }
            && (
                entry.Wanted.Count > 0
                || _queue.All.Any(other => other is ModelOperation.Restore restore && restore.Version == entry && other != operation)
            );
        if (entry.Resident.Count == 0 && operation is ModelOperation.Restore && isComingBack)
        {
            _queue.End(operation);
            decisions.Add(ModelDecision.Announce());
            return;
        }

        if (entry.Resident.Count == 0)
        {
            (FailureKind kind, string detail) =
                operation.Failure ?? (FailureKind.DeviceLost, $"No device of node {residency.Self} is left for it.");
            if (!isComingBack)
            {
                EndWithout(entry, kind, detail);
            }

            Refuse(operation, kind, detail);
            return;
        }

        entry.State = ModelState.Ready;
        entry.Reason = "";
        End(operation, Loaded(entry));
    }

    /// <summary>A newer generation is ready on its devices: it serves, and the older is let go once those who forward know; unless a device
    /// that has the older was left out, which it would then be without. A device that came back meanwhile takes it too, and one that is
    /// away once it is back.</summary>
    private void CommitBeside(ModelOperation.Load load, ModelEntry entry, ModelEntry older)
    {
        int[] missing =
        [
            .. older.Wanted.Where(ordinal => !entry.Resident.Contains(ordinal) && entry.Source.Devices?.Contains(ordinal) != false),
        ];
        int[] without = [.. missing.Where(residency.HasDevice)];
        int[] back = load.AllOrNothing ? [] : [.. without.Where(ordinal => !load.Refused.Contains(ordinal))];
        if (back.Length > 0)
        {
            Array.ForEach(back, load.Targets.Enqueue);
            Next(load);
            return;
        }

        if (without.Length > 0 || entry.Resident.Count == 0 || !residency.IsLive(older))
        {
            (FailureKind kind, string detail) =
                load.Failure
                ?? (
                    FailureKind.InvalidRequest,
                    $"The content that is replaced is on device {string.Join(", ", without)} too. Load the new one there as well."
                );
            TakeBack(load, kind, detail);
            RefuseLoad(load, kind, detail);
            return;
        }

        entry.Wanted.UnionWith(missing);
        residency.Promote(entry);
        entry.State = ModelState.Ready;
        End(load, Loaded(entry));
        foreach (int ordinal in older.Resident)
        {
            LetGo(older.Module!.Model, ordinal);
        }
    }

    private ModelReply.Loaded Loaded(ModelEntry entry) =>
        new(entry.Module!.Model, [.. entry.Resident.Select(ordinal => new GpuId(residency.Self, ordinal))]);

    /// <summary>What this load brought is let go; a version that was live before it stays as it was.</summary>
    private void TakeBack(ModelOperation.Load load, FailureKind kind, string detail)
    {
        if (load.Entry is not { } entry)
        {
            return;
        }

        foreach (int ordinal in load.Done)
        {
            entry.Resident.Remove(ordinal);
            entry.Wanted.Remove(ordinal);
            LetGo(entry.Module!.Model, ordinal);
        }

        if (entry.Replaced is not null)
        {
            residency.Drop(entry);
        }
        else if (load.Reserved)
        {
            EndWithout(entry, kind, detail);
        }
    }

    /// <summary>A version that no device has: one that cannot be had here says so.</summary>
    private void EndWithout(ModelEntry entry, FailureKind kind, string detail)
    {
        entry.IsRefused = kind == FailureKind.NotSupported && entry.Source.Configuration?.Refusal() is not null;
        residency.End(entry, detail);
    }

    /// <summary>A load that found no version leaves nothing behind, unless the node's own settings ask for the model; where it found one,
    /// that is unavailable from now on, but for one that is served.</summary>
    private void RefuseLoad(ModelOperation.Load load, FailureKind kind, string detail)
    {
        bool mayPass = kind is FailureKind.QueueFull or FailureKind.Cancelled;
        bool stands = load.IsOwn ? ModelFolder.IsName(load.Name) : load.Unfound is not null && !mayPass;
        if (load.Entry is null && stands)
        {
            ModuleSource named = load.Unfound ?? new ModuleSource(new ModelReference(load.Name, load.Request.Number ?? 1), "");
            if (residency.ReserveUnlessLive(named) is { } entry)
            {
                EndWithout(entry, kind, detail);
            }
        }

        Refuse(load, kind, detail);
    }

    private void Refuse(ModelOperation operation, FailureKind kind, string detail) =>
        End(operation, new ModelReply.Failed(operation.Name, kind, detail));

    /// <summary>A load goes on with its next version, and is answered after the last: with the first failure, if there was one.</summary>
    private void End(ModelOperation operation, ModelReply reply)
    {
        var load = operation as ModelOperation.Load;
        if (load is not null)
        {
            load.Earlier = load.Earlier is ModelReply.Failed ? load.Earlier : reply;
            if (load.Entry is { } entry)
            {
                load.Numbers.Add(entry.Source.Model.Number ?? 1);
            }

            if (load.Further.TryDequeue(out int number))
            {
                decisions.Add(ModelDecision.Announce());
                load.Restart();
                Begin(load, load.Request with { Number = number });
                return;
            }
        }

        _queue.End(operation);
        if (load is { Earlier: ModelReply.Loaded, IsOfWholeModel: true })
        {
            GiveWay(load);
        }

        decisions.Add(load is null ? ModelDecision.Announce() : ModelDecision.Announce(load.Asker, load.Earlier!));
    }

    /// <summary>Versions that a load of a whole model replaces and did not load again are unloaded.</summary>
    private void GiveWay(ModelOperation.Load load)
    {
        IEnumerable<int> others = residency
            .Named(new UnloadModel(load.Name))
            .Where(entry => entry.Module is { } module && load.Replaces.Contains(module.Model.Hash))
            .Select(entry => entry.Source.Model.Number ?? 1)
            .Where(number => !load.Numbers.Contains(number));
        foreach (int number in others.ToArray())
        {
            _queue.Add(new ModelOperation.Unload(new UnloadModel(load.Name, number), asker: null));
        }
    }
}

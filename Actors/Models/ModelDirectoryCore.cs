using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>The decisions about model versions on one node: reserve, load, commit; which content a version has; where it is resident and
/// where it goes when a device is lost.</summary>
/// <remarks>
/// Knows no Akka. Operations run one after another (the builder is one thread anyway), so that each sees what the former left. Longer than
/// 300 lines because the steps of one operation are read together.
/// <code>
/// load:    resolve -> reserve -> (build -> check content -> adopt)* -> commit | take back
/// restore: (build -> check content -> adopt) on the rebuilt device, or on the first sibling that takes it
/// </code>
/// </remarks>
internal sealed class ModelDirectoryCore(NodeId self, Func<ModelReference, ModelSnapshot?> elsewhere, List<ModelDecision> decisions)
{
    /// <summary>Most operations that wait.</summary>
    public const int OperationLimit = 256;

    private readonly SortedDictionary<(string Name, int Number), ModelEntry> _entries = [];
    private readonly SortedDictionary<int, IReadOnlyList<int>> _devices = [];
    private readonly Queue<ModelOperation> _waiting = new();
    private ModelOperation? _current;
    private long _tickets;

    public bool Idle => _current is null && _waiting.Count == 0;

    public ModelSnapshot[] Snapshot() => [.. _entries.Values.Select(Snapshot)];

    public void Load(LoadModel load, object? replyTo) => Enqueue(new ModelOperation.Load(load, replyTo), load.Name, replyTo);

    public void Unload(UnloadModel unload, object? replyTo) => Enqueue(new ModelOperation.Unload(unload, replyTo), unload.Name, replyTo);

    public void Ready(IReadOnlyList<int> ordinals)
    {
        foreach (int ordinal in ordinals)
        {
            _devices[ordinal] = ordinals;
            foreach (
                ModelEntry entry in _entries.Values.Where(entry => entry.Wanted.Contains(ordinal) && !entry.Resident.Contains(ordinal))
            )
            {
                _waiting.Enqueue(new ModelOperation.Restore(entry, ordinal));
            }
        }

        Advance();
    }

    public void Gone(int ordinal, string reason, bool forGood)
    {
        _devices.Remove(ordinal);
        foreach (ModelEntry entry in _entries.Values)
        {
            bool was = entry.Resident.Remove(ordinal);
            bool wanted = forGood ? entry.Wanted.Remove(ordinal) : entry.Wanted.Contains(ordinal);
            if (was && entry.Resident.Count == 0 && entry.State == ModelState.Ready)
            {
                entry.State = ModelState.Loading;
                entry.Reason = $"its device {ordinal} was lost ({reason})";
            }

            if (wanted && forGood)
            {
                _waiting.Enqueue(new ModelOperation.Restore(entry, null));
            }
        }

        decisions.Add(ModelDecision.Announce());
        if (_current is ModelOperation.Unload)
        {
            FinishUnload();
        }
        else if (_current is not null && _current.Ordinal == ordinal)
        {
            Fail(FailureKind.DeviceLost, $"Device {ordinal} was lost while the model was loading: {reason}.");
        }

        Advance();
    }

    public void Resolved(ModelResolved resolved)
    {
        if (_current is not ModelOperation.Load load || load.Ticket != resolved.Ticket)
        {
            return;
        }

        (string, int) key = (resolved.Source.Model.Name, resolved.Source.Model.Number ?? 1);
        if (!_entries.TryGetValue(key, out ModelEntry? entry) || entry.State == ModelState.Unavailable)
        {
            entry = new ModelEntry(resolved.Source);
            _entries[key] = entry;
            load.Reserved = true;
            decisions.Add(ModelDecision.Announce());
        }

        load.Entry = entry;
        load.Source = resolved.Source;
        Next();
        Advance();
    }

    public void Built(InstanceBuilt built)
    {
        if (_current is not { Entry: { } entry } || _current.Ticket != built.Ticket)
        {
            decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            return;
        }

        if (Objection(entry, built) is { } objection)
        {
            decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            Fail(objection.Kind, objection.Detail);
        }
        else if (entry.Resident.Contains(built.Ordinal))
        {
            decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            Next();
        }
        else
        {
            entry.Module ??= built.Module;
            _current.HandOver = built.HandOver;
            decisions.Add(ModelDecision.Executor(built.Ordinal, new AdoptInstance(built.Ticket, built.HandOver)));
        }

        Advance();
    }

    public void Ready(InstanceReady ready)
    {
        if (_current is not { Entry: { } entry } || _current.Ticket != ready.Ticket)
        {
            return;
        }

        _current.HandOver = null;
        _current.Done.Add(ready.Gpu.Ordinal);
        entry.Resident.Add(ready.Gpu.Ordinal);
        entry.Wanted.Add(ready.Gpu.Ordinal);
        Next();
        Advance();
    }

    public void Failed(BuildFailed failed)
    {
        if (_current?.Ticket == failed.Ticket)
        {
            Fail(failed.Kind, failed.Detail);
            Advance();
        }
    }

    public void Gone(InstanceGone gone)
    {
        if (_entries.TryGetValue((gone.Model.Name, gone.Model.Number), out ModelEntry? entry))
        {
            entry.Resident.Remove(gone.Gpu.Ordinal);
        }

        if (_current is ModelOperation.Unload)
        {
            FinishUnload();
            Advance();
        }
    }

    private ModelSnapshot Snapshot(ModelEntry entry) =>
        new(
            entry.Module?.Model ?? new ModelVersion(entry.Source.Model.Name, entry.Source.Model.Number ?? 1, default),
            entry.State,
            entry.Reason,
            entry.Module?.Platform ?? "",
            entry.Module is { } module ? [.. module.Inputs] : [],
            entry.Module is { } spec ? [.. spec.Outputs] : [],
            entry.State == ModelState.Ready ? [.. entry.Resident.Select(ordinal => new GpuId(self, ordinal))] : [],
            entry.Module?.SafeToResend ?? true
        );

    private void Enqueue(ModelOperation operation, string name, object? replyTo)
    {
        if (_waiting.Count >= OperationLimit)
        {
            decisions.Add(
                ModelDecision.Announce(
                    replyTo,
                    new ModelReply.Failed(
                        name,
                        FailureKind.QueueFull,
                        $"{OperationLimit} loads and unloads wait on node {self} already. Try again later."
                    )
                )
            );
            return;
        }

        _waiting.Enqueue(operation);
        Advance();
    }

    private void Advance()
    {
        while (_current is null && _waiting.TryDequeue(out ModelOperation? next))
        {
            _current = next;
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
                    throw new System.Diagnostics.UnreachableException();
            }
        }
    }

    private void Begin(ModelOperation.Load load)
    {
        foreach (int ordinal in load.AllOrNothing ? load.Request.Gpus!.Distinct() : _devices.Keys)
        {
            if (!_devices.ContainsKey(ordinal))
            {
                Reply(load, FailureKind.NotFound, $"Device {ordinal} is not among the ready devices of node {self} ({Devices()}).");
                return;
            }

            load.Targets.Enqueue(ordinal);
        }

        if (load.Targets.Count == 0)
        {
            Reply(load, FailureKind.DeviceLost, $"Node {self} has no device that is ready.");
            return;
        }

        load.Ticket = ++_tickets;
        decisions.Add(ModelDecision.Builder(new ResolveModel(load.Ticket, load.Request)));
    }

    private void Begin(ModelOperation.Unload unload)
    {
        unload.Entries.AddRange(
            _entries
                .Where(pair =>
                    pair.Key.Name == unload.Request.Name && (unload.Request.Number is not { } number || pair.Key.Number == number)
                )
                .Select(pair => pair.Value)
        );
        if (unload.Entries.Count == 0)
        {
            string what = unload.Request.Number is { } number
                ? $"Version {number} of model '{unload.Request.Name}'"
                : $"Model '{unload.Request.Name}'";
            _current = null;
            decisions.Add(
                ModelDecision.Announce(
                    unload.ReplyTo,
                    new ModelReply.Failed(unload.Request.Name, FailureKind.NotFound, $"{what} is not loaded on node {self}.")
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
                decisions.Add(ModelDecision.Gpu(ordinal, new UnloadInstance(entry.Module!.Model)));
            }
        }

        decisions.Add(ModelDecision.Announce());
        FinishUnload();
    }

    private void Begin(ModelOperation.Restore restore)
    {
        ModelEntry entry = restore.Version;
        bool live =
            _entries.TryGetValue((entry.Source.Model.Name, entry.Source.Model.Number ?? 1), out ModelEntry? present)
            && ReferenceEquals(present, entry);
        if (!live)
        {
            _current = null;
            return;
        }

        restore.Entry = entry;
        restore.Source = entry.Source;
        foreach (int ordinal in restore.On is { } on ? [on] : _devices.Keys.Where(ordinal => !entry.Wanted.Contains(ordinal)).ToList())
        {
            restore.Targets.Enqueue(ordinal);
        }

        Next();
    }

    /// <summary>The next device of the present operation, or its commit.</summary>
    private void Next()
    {
        ModelOperation operation = _current!;
        bool enough = operation is ModelOperation.Restore && operation.Done.Count > 0;
        if (!enough && operation.Targets.TryDequeue(out int ordinal))
        {
            operation.Ordinal = ordinal;
            operation.Ticket = ++_tickets;
            if (_devices.ContainsKey(ordinal))
            {
                decisions.Add(ModelDecision.Builder(new BuildInstance(operation.Ticket, operation.Source!, ordinal)));
            }
            else
            {
                Fail(FailureKind.DeviceLost, $"Device {ordinal} was lost before the model was loaded on it.");
            }

            return;
        }

        Commit(operation);
    }

    private void Commit(ModelOperation operation)
    {
        ModelEntry entry = operation.Entry!;
        _current = null;
        if (entry.Resident.Count == 0)
        {
            (FailureKind kind, string detail) = operation.Failure ?? (FailureKind.DeviceLost, $"No device of node {self} is left for it.");
            if (operation is ModelOperation.Load { Reserved: true })
            {
                _entries.Remove((entry.Source.Model.Name, entry.Source.Model.Number ?? 1));
            }
            else
            {
                entry.State = ModelState.Unavailable;
                entry.Reason = detail;
            }

            Reply(operation, kind, detail);
            return;
        }

        entry.State = ModelState.Ready;
        entry.Reason = "";
        decisions.Add(
            operation is ModelOperation.Load load
                ? ModelDecision.Announce(
                    load.ReplyTo,
                    new ModelReply.Loaded(entry.Module!.Model, [.. entry.Resident.Select(ordinal => new GpuId(self, ordinal))])
                )
                : ModelDecision.Announce()
        );
    }

    /// <summary>The present step has failed. A load of named devices, or of content that no device would take, ends here; others try the
    /// next device.</summary>
    private void Fail(FailureKind kind, string detail)
    {
        ModelOperation operation = _current!;
        if (operation.HandOver is { } handOver)
        {
            decisions.Add(ModelDecision.Builder(new DiscardInstance(handOver)));
            operation.HandOver = null;
        }

        operation.Failure ??= (kind, detail);
        if (operation is ModelOperation.Restore)
        {
            operation.Entry!.Wanted.Remove(operation.Ordinal);
            Next();
            return;
        }

        var load = (ModelOperation.Load)operation;
        bool nextMayTakeIt = kind is FailureKind.NotSupported or FailureKind.OutOfDeviceMemory or FailureKind.DeviceLost;
        if (!load.AllOrNothing && nextMayTakeIt && load.Entry is not null)
        {
            Next();
            return;
        }

        TakeBack(load);
        Reply(load, kind, detail);
    }

    /// <summary>What this load brought is let go; a version that was live before it stays as it was.</summary>
    private void TakeBack(ModelOperation.Load load)
    {
        if (load.Entry is not { } entry)
        {
            return;
        }

        foreach (int ordinal in load.Done)
        {
            entry.Resident.Remove(ordinal);
            entry.Wanted.Remove(ordinal);
            decisions.Add(ModelDecision.Gpu(ordinal, new UnloadInstance(entry.Module!.Model)));
        }

        if (load.Reserved)
        {
            _entries.Remove((entry.Source.Model.Name, entry.Source.Model.Number ?? 1));
        }
    }

    private void FinishUnload()
    {
        var unload = (ModelOperation.Unload)_current!;
        if (unload.Entries.Exists(entry => entry.Resident.Count > 0))
        {
            return;
        }

        foreach (ModelEntry entry in unload.Entries)
        {
            _entries.Remove((entry.Source.Model.Name, entry.Source.Model.Number ?? 1));
        }

        _current = null;
        int[] numbers = [.. unload.Entries.Select(entry => entry.Source.Model.Number ?? 1)];
        decisions.Add(ModelDecision.Announce(unload.ReplyTo, new ModelReply.Unloaded(unload.Request.Name, numbers)));
    }

    private void Reply(ModelOperation operation, FailureKind kind, string detail)
    {
        _current = null;
        decisions.Add(
            operation is ModelOperation.Load load
                ? ModelDecision.Announce(load.ReplyTo, new ModelReply.Failed(load.Request.Name, kind, detail))
                : ModelDecision.Announce()
        );
    }

    private (FailureKind Kind, string Detail)? Objection(ModelEntry entry, InstanceBuilt built)
    {
        ContentHash hash = built.Module.Model.Hash;
        if (entry.Module is { } live && live.Model.Hash != hash)
        {
            return (
                FailureKind.AlreadyExists,
                $"Model '{live.Model}' is live with content {live.Model.Hash}; the content asked for is {hash}. Unload it first, or use another version number."
            );
        }

        if (
            elsewhere(new ModelReference(built.Module.Model.Name, built.Module.Model.Number)) is { } other
            && other.Model.Hash != hash
            && other.Model.Hash != default
        )
        {
            return (
                FailureKind.AlreadyExists,
                $"Model '{other.Model}' is live in the cluster with content {other.Model.Hash}; the content asked for is {hash}. Use another version number."
            );
        }

        if (!_devices.TryGetValue(built.Ordinal, out IReadOnlyList<int>? group))
        {
            return (FailureKind.DeviceLost, $"Device {built.Ordinal} was lost while the model was loading.");
        }

        return built.Ordinals.All(group.Contains)
            ? null
            : (
                FailureKind.NotSupported,
                $"The model spans devices {string.Join(", ", built.Ordinals)}; the executor of device {built.Ordinal} owns {string.Join(", ", group)}. Put them in one executor group."
            );
    }

    private string Devices() => _devices.Count == 0 ? "none" : string.Join(", ", _devices.Keys);
}

using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;

namespace Troupe.Actors.Models;

/// <summary>The decisions about model versions on one node: which content a version has, where it is resident, and where it goes when a
/// device is lost.</summary>
/// <remarks>Knows no Akka. <see cref="ModelResidency"/> is what the node has, <see cref="ModelOperations"/> what is being done about it;
/// here is what each message means to them.</remarks>
internal sealed class ModelDirectoryCore
{
    private readonly DecisionQueue<ModelDecision, IModelShell> _decisions;
    private readonly ModelResidency _residency;
    private readonly ModelOperations _operations;

    public ModelDirectoryCore(
        NodeId self,
        Func<ModelReference, IReadOnlyList<ModelSnapshot>> elsewhere,
        DecisionQueue<ModelDecision, IModelShell> decisions
    )
    {
        _decisions = decisions;
        _residency = new ModelResidency(self, elsewhere);
        _operations = new ModelOperations(_residency, decisions);
    }

    public bool IsIdle => _operations.IsIdle;

    /// <summary>Most bytes of files that loads brought along.</summary>
    public long MaxHeldBytes { get; init; } = 1L << 30;

    public ModelSnapshot[] Snapshot() => _residency.Snapshot();

    /// <inheritdoc cref="ModelResidency.Configurations"/>
    public IEnumerable<KeyValuePair<ModelVersion, ModelConfiguration>> Configurations() => _residency.Configurations();

    /// <param name="isOwn">The node's own settings ask for it, and nobody from outside.</param>
    public void Load(LoadModel load, IReplyTo<ModelReply>? asker, bool isOwn = false) =>
        _operations.Request(new ModelOperation.Load(load, isOwn, asker), asker);

    /// <summary>A load that brings files along: as long as the version lives they are held in memory, within a bound.</summary>
    public void Load(LoadModel load, GivenModel given, IReplyTo<ModelReply>? asker)
    {
        long held = _residency
            .Given.Concat(_operations.Given)
            .Distinct<GivenModel>(ReferenceEqualityComparer.Instance)
            .Sum(one => one.Bytes);
        if (held + given.Bytes > MaxHeldBytes)
        {
            var refusal = new ModelReply.Failed(
                load.Name,
                FailureKind.QueueFull,
                $"The files that loads brought along take {held} of {MaxHeldBytes} bytes (--max-request-memory), and {given.Bytes} more are needed. Unload a model, or put the files into the model repository."
            );
            _decisions.Add(ModelDecision.Announce(asker, refusal));
            return;
        }

        _operations.Request(new ModelOperation.Load(load, isOwn: false, asker) { Given = given }, asker);
    }

    /// <param name="isOwn">The node's own settings name it no longer: why it could not be had is forgotten too.</param>
    public void Unload(UnloadModel unload, IReplyTo<ModelReply>? asker, bool isOwn = false) =>
        _operations.Request(new ModelOperation.Unload(unload, asker) { IsOwn = isOwn }, asker);

    /// <summary>An executor can adopt instances for these devices: those that shall be on them and are not come back.</summary>
    public void Ready(IReadOnlyList<int> ordinals)
    {
        foreach (int ordinal in ordinals)
        {
            _residency.AddDevice(ordinal, ordinals);
            ModelEntry[] missing =
            [
                .. _residency.Entries.Where(entry => entry.Wanted.Contains(ordinal) && !entry.Resident.Contains(ordinal)),
            ];
            Array.ForEach(missing, entry => _operations.Restore(entry, ordinal));
        }

        _operations.Advance();
    }

    public void Gone(DeviceGone gone)
    {
        int ordinal = gone.Ordinal;
        _residency.RemoveDevice(ordinal);
        foreach (ModelEntry entry in _residency.Entries)
        {
            bool was = entry.Resident.Remove(ordinal);
            bool wanted = gone.ForGood ? entry.Wanted.Remove(ordinal) : entry.Wanted.Contains(ordinal);
            if (was && entry.Resident.Count == 0 && entry.State == ModelState.Ready)
            {
                entry.State = ModelState.Loading;
                entry.Reason = $"its device {ordinal} was lost ({gone.Reason})";
            }

            if (wanted && gone.ForGood)
            {
                _operations.Restore(entry, null);
            }
        }

        _decisions.Add(ModelDecision.Announce());
        foreach (ModelOperation operation in _operations.Running)
        {
            if (operation is ModelOperation.Unload unload)
            {
                _operations.FinishUnload(unload);
                continue;
            }

            (operation as ModelOperation.Load)?.Refused.Remove(ordinal);
            if (operation.Ordinal == ordinal)
            {
                _operations.Fail(
                    operation,
                    FailureKind.DeviceLost,
                    $"Device {ordinal} was lost while the model was loading: {gone.Reason}."
                );
            }
        }

        _operations.Advance();
    }

    public void Resolved(ModelResolved resolved)
    {
        if (_operations.Of(resolved.Ticket) is not ModelOperation.Load load)
        {
            return;
        }

        (load.Entry, load.Reserved) = _residency.Reserve(resolved.Source, load.Given);
        if (load.Reserved)
        {
            _decisions.Add(ModelDecision.Announce());
        }

        load.Take(resolved);
        _operations.Next(load);
        _operations.Advance();
    }

    public void Built(InstanceBuilt built)
    {
        if (_operations.Of(built.Ticket) is not { Entry: { } entry } operation)
        {
            _decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            return;
        }

        if (operation is ModelOperation.Load load)
        {
            entry = _operations.Compare(load, built);
        }

        if (_operations.Objection(operation, built) is { } objection)
        {
            _decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            _operations.Fail(operation, objection.Kind, objection.Detail);
        }
        else if (entry.Resident.Contains(built.Ordinal))
        {
            _decisions.Add(ModelDecision.Builder(new DiscardInstance(built.HandOver)));
            _operations.Next(operation);
        }
        else
        {
            if (entry.Module is null)
            {
                entry.Module = built.Module;
                entry.Generation = _residency.GenerationOf(built.Module, entry.Replaced);
            }

            entry.Configuration ??= built.Configuration;
            operation.HandOver = built.HandOver;
            _decisions.Add(ModelDecision.Executor(built.Ordinal, new AdoptInstance(built.Ticket, built.HandOver)));
        }

        _operations.Advance();
    }

    public void Ready(InstanceReady ready)
    {
        if (_operations.Of(ready.Ticket) is not { Entry: { } entry } operation)
        {
            return;
        }

        operation.HandOver = null;
        operation.Done.Add(ready.Gpu.Ordinal);
        entry.Resident.Add(ready.Gpu.Ordinal);
        entry.Wanted.Add(ready.Gpu.Ordinal);
        _operations.Next(operation);
        _operations.Advance();
    }

    public void Failed(BuildFailed failed)
    {
        if (_operations.Of(failed.Ticket) is { } operation)
        {
            if (operation is ModelOperation.Load { Entry: null } load)
            {
                load.Queue(failed.Further);
                load.Unfound = failed.Version;
            }

            _operations.Fail(operation, failed.Kind, failed.Detail);
            _operations.Advance();
        }
    }

    public void Gone(InstanceGone gone)
    {
        _residency.Forget(gone.Model, gone.Gpu.Ordinal);
        foreach (ModelOperation.Unload unload in _operations.Running.OfType<ModelOperation.Unload>())
        {
            _operations.FinishUnload(unload);
        }

        _operations.Advance();
    }

    /// <summary>A decision could not be applied: a step that nobody took fails, a device that cannot be told holds nothing, and what is
    /// only told is told once more.</summary>
    public void Failed(in ModelDecision decision, Exception cause)
    {
        switch (decision.Message)
        {
            case ResolveModel resolve:
                Failed(new BuildFailed(resolve.Ticket, FailureKind.Internal, $"The builder could not be told: {cause.Message}"));
                break;
            case BuildInstance build:
                Failed(new BuildFailed(build.Ticket, FailureKind.Internal, $"The builder could not be told: {cause.Message}"));
                break;
            case AdoptInstance adopt:
                Failed(new BuildFailed(adopt.Ticket, FailureKind.Internal, $"The executor could not be told: {cause.Message}"));
                break;
            case UnloadInstance unload when !_decisions.TryRepeat(decision):
                Gone(new InstanceGone(new GpuId(_residency.Self, decision.Ordinal), unload.Model));
                break;
            case UnloadInstance:
                break;
            default:
                _decisions.TryRepeat(decision);
                break;
        }
    }
}

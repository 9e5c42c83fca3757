using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>What is wrong with a request in itself, before anybody is asked: one message that names the field, its value and what it may
/// be.</summary>
public static class ModeValidation
{
    /// <summary>Null when the selectors of a scope agree with each other.</summary>
    public static ModeRefusal? Scope(ModeScope scope)
    {
        if (scope.Gpu is { } gpu)
        {
            if (scope.Node is { } node && node != gpu.Node)
            {
                return Invalid($"The scope selects node {node} and GPU {gpu}, which is on another node; name one of them.");
            }

            if (gpu.Ordinal < 0 || string.IsNullOrEmpty(gpu.Node.Address))
            {
                return Invalid($"'{gpu}' is no GPU; one is written host:port/ORDINAL.");
            }
        }

        if (scope.Node is { Address: null or "" })
        {
            return Invalid("The scope selects a node without an address; one is written host:port.");
        }

        return scope.Model switch
        {
            { Name: null or "" } => Invalid("The scope selects a model without a name."),
            { Number: <= 0 } model => Invalid($"The scope selects version {model.Number} of model '{model.Name}'; versions count from 1."),
            _ => null,
        };
    }

    /// <summary>Null when a change sets something, and each value is in range, fits the scope and does not contradict the others.</summary>
    public static ModeRefusal? Change(ModeScope scope, ModeChange change)
    {
        if (!ModeField.All.Any(field => field.IsSet(change)))
        {
            return Invalid("The change sets no mode; name at least one.");
        }

        return First(change, field => field.Invalid(change)) ?? First(change, field => field.Misplaced(scope)) ?? Contradiction(change);
    }

    /// <summary>Null when a forward may bring this change along.</summary>
    public static ModeRefusal? Call(ModeChange change) =>
        First(change, field => field.Invalid(change)) ?? First(change, static field => field.MisplacedInCall()) ?? Contradiction(change);

    /// <summary>Null when a runtime cache has a name that stays inside the cache folder of the node it is sent to.</summary>
    public static ModeRefusal? CacheName(string? path) =>
        path is not null && (Path.IsPathRooted(path) || path.Contains('\\', StringComparison.Ordinal) || path.Split('/').Contains(".."))
            ? Invalid(
                $"The runtime cache '{path}' is not a name inside the node's cache folder; write one without '..' that does not begin with '/', such as {RuntimeSettings.DefaultCache}.",
                ModeField.RuntimeCache
            )
            : null;

    /// <summary>Null when a lease is neither too short nor too long.</summary>
    public static ModeRefusal? Lease(TimeSpan lease) =>
        lease < ModeLimits.MinimumLease || lease > ModeLimits.MaximumLease
            ? Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A lease of {lease.TotalSeconds:0.###} s is out of range: at least {ModeLimits.MinimumLease.TotalSeconds:0.###} s, at most {ModeLimits.MaximumLease.TotalHours:0} h; renew it to hold longer."
                )
            )
            : null;

    private static ModeRefusal? Contradiction(ModeChange change) =>
        ModeConflicts.Between(
            ModeField
                .All.Where(field => field.IsSet(change))
                .Aggregate(ModeSettings.Default, (settings, field) => field.Apply(settings, change))
        )
            is { } conflict
            ? ModeConflicts.Refusal(conflict)
            : null;

    private static ModeRefusal? First(ModeChange change, Func<ModeField, ModeRefusal?> trouble)
    {
        foreach (ModeField field in ModeField.All)
        {
            if (field.IsSet(change) && trouble(field) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    private static ModeRefusal Invalid(string reason, ModeField? field = null) => new(FailureKind.InvalidRequest, reason, field);
}

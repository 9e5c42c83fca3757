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

        if (Values(change) is { } value)
        {
            return value;
        }

        if (scope.Session is not null && PerInstance(change) is { } field)
        {
            return Invalid(
                $"{field.Setting} belongs to an instance, not to a forward: it can be set for the cluster, a node, a GPU or a model, not for a session."
            );
        }

        return Contradiction(change);
    }

    /// <summary>Null when a forward may bring this change along.</summary>
    public static ModeRefusal? Call(ModeChange change) =>
        Values(change)
        ?? (
            PerInstance(change) is { } field
                ? Invalid(
                    $"{field.Setting} belongs to an instance, not to a forward: it can be set for the cluster, a node, a GPU or a model, not for a call."
                )
                : Contradiction(change)
        );

    /// <summary>Null when a runtime cache has a name that stays inside the cache folder of the node it is sent to.</summary>
    public static ModeRefusal? CacheName(string? path) =>
        path is not null && (Path.IsPathRooted(path) || path.Contains('\\', StringComparison.Ordinal) || path.Split('/').Contains(".."))
            ? Invalid(
                $"The runtime cache '{path}' is not a name inside the node's cache folder; write one without '..' that does not begin with '/', such as {RuntimeSettings.DefaultCache}.",
                ModeSetting.RuntimeSettings
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
        change is { OutputAllocator: true, CudaGraphs: not null and not CudaGraphsMode.Off }
            ? new ModeRefusal(FailureKind.ModeConflict, ModeConflicts.AllocatorWithGraphs, ModeSetting.CudaGraphs)
            : null;

    private static ModeField? PerInstance(ModeChange change) =>
        ModeField.All.FirstOrDefault(field => field.PerInstance && field.IsSet(change));

    private static ModeRefusal? Values(ModeChange change) =>
        Named(ModeSetting.CudaGraphs, change.CudaGraphs)
        ?? Named(ModeSetting.Workspace, change.Workspace)
        ?? Named(ModeSetting.Profiling, change.Profiling)
        ?? (
            change.Profile is { Index: < 0 and var index }
                ? Invalid($"Optimization profile index {index} is negative; profiles count from 0.", ModeSetting.Profile)
                : null
        )
        ?? (change.WeightBudget is { } budget ? Budget(budget) : null)
        ?? (change.RuntimeSettings is { } settings ? Settings(settings) : null);

    private static ModeRefusal? Budget(WeightBudget budget) =>
        Named(ModeSetting.WeightBudget, (WeightBudgetKind?)budget.Kind)
        ?? budget switch
        {
            { Kind: WeightBudgetKind.Bytes, ByteCount: < 0 } => Invalid(ModeConflicts.NegativeBudget, ModeSetting.WeightBudget),
            { Kind: WeightBudgetKind.Fraction, Share: < 0 } => Invalid(ModeConflicts.NegativeBudget, ModeSetting.WeightBudget),
            { Kind: WeightBudgetKind.Fraction, Share: not <= 1 } => Invalid(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A weight budget of {budget.Share} of the streamable weights is out of range [0, 1]."
                ),
                ModeSetting.WeightBudget
            ),
            _ => null,
        };

    private static ModeRefusal? Settings(RuntimeSettingsChange settings) =>
        Named(ModeSetting.RuntimeSettings, settings.Specialization)
        ?? Named(ModeSetting.RuntimeSettings, settings.GraphStrategy)
        ?? (
            settings.Cache?.Path is { } path
            && (path.Length > ModeLimits.MaximumPathLength || path.Contains('\0', StringComparison.Ordinal))
                ? Invalid(
                    $"The path of the runtime cache is no file name: at most {ModeLimits.MaximumPathLength} characters, none of them NUL.",
                    ModeSetting.RuntimeSettings
                )
                : null
        );

    private static ModeRefusal? Named<T>(ModeSetting setting, T? value)
        where T : struct, Enum =>
        value is { } given && !Enum.IsDefined(given)
            ? Invalid($"{setting} has no value {given:D}; it is one of {string.Join(", ", Enum.GetNames<T>())}.", setting)
            : null;

    private static ModeRefusal Invalid(string reason, ModeSetting? setting = null) => new(FailureKind.InvalidRequest, reason, setting);
}

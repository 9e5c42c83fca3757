using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Messages.Wire;

/// <summary>What makes the messages of the mode conversation valid. Whether a mode can be had is decided where it is applied.</summary>
internal static class ModeChecks
{
    /// <summary>A row for each mode whose type has values that are none: a flag has not.</summary>
    private static readonly ValueCheck[] Values =
    [
        ValueCheck.Of(
            static change => change.CudaGraphs,
            static settings => settings.CudaGraphs,
            static (check, mode) => check.Defined(mode, "the CUDA graphs mode")
        ),
        ValueCheck.Of(
            static change => change.WeightBudget,
            static settings => settings.WeightBudget,
            static (check, budget) => check.Budget(budget)
        ),
        ValueCheck.Of(
            static change => change.Workspace,
            static settings => settings.Workspace,
            static (check, strategy) => check.Defined(strategy, "the workspace strategy")
        ),
        ValueCheck.Of(
            static change => change.RuntimeSettings?.Specialization,
            static settings => settings.RuntimeSettings.Specialization,
            static (check, specialization) => check.Defined(specialization, "the kernel specialization")
        ),
        ValueCheck.Of(
            static change => change.RuntimeSettings?.GraphStrategy,
            static settings => settings.RuntimeSettings.GraphStrategy,
            static (check, strategy) => check.Defined(strategy, "the graph strategy")
        ),
        ValueCheck.Of(
            static change => change.RuntimeSettings?.Cache,
            static settings => new RuntimeCacheChoice(settings.RuntimeSettings.CachePath),
            static (check, cache) => check.OptionalText(cache.Path, "the path of a runtime cache", WireLimits.PathBytes)
        ),
        ValueCheck.Of(
            static change => change.Profiling,
            static settings => settings.Profiling,
            static (check, format) => check.Defined(format, "the profiling format")
        ),
        ValueCheck.Of(
            static change => change.Version,
            static settings => settings.Version,
            static (check, choice) => check.OptionalText(choice.Words, "the choice of a version", WireLimits.NameBytes)
        ),
    ];

    public static void Scope(this WireCheck check, ModeScope? scope)
    {
        check.Present(scope, "the scope");
        if (scope.Node is { } node)
        {
            check.Node(node);
        }

        if (scope.Gpu is { } gpu)
        {
            check.Gpu(gpu);
        }

        if (scope.Model is { } model)
        {
            check.Reference(model);
        }
    }

    public static void Change(this WireCheck check, ModeChange? change)
    {
        check.Present(change, "the change");
        foreach (ValueCheck value in Values)
        {
            value.Change(check, change);
        }
    }

    public static void Settings(this WireCheck check, ModeSettings? settings)
    {
        check.Present(settings, "the settings");
        check.Present(settings.RuntimeSettings, "the runtime settings");
        foreach (ValueCheck value in Values)
        {
            value.Settings(check, settings);
        }
    }

    public static void Entered(this WireCheck check, EnterMode enter)
    {
        check.Scope(enter.Scope);
        check.Change(enter.Change);
        check.Duration(enter.Lease, "the lease");
        check.Owner(enter.Owner);
    }

    public static void Open(this WireCheck check, OpenSession open)
    {
        check.Duration(open.Lease, "the lease");
        check.Owner(open.Owner);
    }

    public static void Owner(this WireCheck check, string? owner) => check.OptionalText(owner, "the owner", WireLimits.PathBytes);

    public static void Set(this WireCheck check, SetMode set)
    {
        check.Scope(set.Scope);
        check.Change(set.Change);
    }

    public static void Unset(this WireCheck check, UnsetMode unset)
    {
        check.Scope(unset.Scope);
        check.Each(unset.Settings, "the settings", static (check, name) => check.Name(name, "the name of a setting"));
    }

    public static void Reply(this WireCheck check, ModeReply reply)
    {
        switch (reply)
        {
            case ModeReply.Applied applied:
                check.Reach(applied.Epoch, applied.AppliedBy, applied.NotReached);
                break;
            case ModeReply.Entered entered:
                check.Reach(entered.Epoch, entered.AppliedBy, entered.NotReached);
                break;
            case ModeReply.Renewed renewed:
                check.Duration(renewed.Lease, "the lease");
                break;
            case ModeReply.Exited exited:
                check.NotNegative(exited.Epoch, "the epoch");
                check.Each(exited.NotReached, "those not reached", static (check, obstacle) => check.Obstacle(obstacle));
                break;
            case ModeReply.Listing listing:
                check.NotNegative(listing.Epoch, "the epoch");
                check.Each(listing.Entries, "the entries", static (check, entry) => check.Entry(entry));
                break;
            case ModeReply.Explanation explanation:
                check.NotNegative(explanation.Epoch, "the epoch");
                check.Settings(explanation.Settings);
                check.Each(explanation.Lines, "the lines", static (check, line) => check.Line(line));
                check.Each(explanation.Conflicts, "the conflicts", static (check, obstacle) => check.Obstacle(obstacle));
                break;
            case ModeReply.Refused refused:
                check.Defined(refused.Kind, "the kind of a failure");
                check.Prose(refused.Detail, "the detail of a refusal");
                check.Each(refused.By, "those who refused", static (check, obstacle) => check.Obstacle(obstacle));
                break;
            case ModeReply.SessionOpened opened:
                check.NotNegative(opened.Epoch, "the epoch");
                check.Duration(opened.Lease, "the lease");
                break;
            case ModeReply.SessionRenewed renewed:
                check.Duration(renewed.Lease, "the lease");
                break;
            case ModeReply.SessionClosed closed:
                check.NotNegative(closed.Epoch, "the epoch");
                break;
            case ModeReply.Audited audited:
                check.Each(audited.Rows, "the rows", static (check, row) => check.Row(row));
                break;
        }
    }

    private static void Reach(this WireCheck check, long epoch, GpuId[] appliedBy, ModeObstacle[] notReached)
    {
        check.NotNegative(epoch, "the epoch");
        check.Each(appliedBy, "the devices reached", static (check, gpu) => check.Gpu(gpu));
        check.Each(notReached, "those not reached", static (check, obstacle) => check.Obstacle(obstacle));
    }

    private static void Row(this WireCheck check, AuditRow row)
    {
        if (row.Scope is { } scope)
        {
            check.Scope(scope);
        }

        check.Present(row.Tally, "the tally");
        check.NotNegative(row.Tally.Accepted, "the forwards accepted");
        check.NotNegative(row.Tally.Succeeded, "the forwards succeeded");
        check.NotNegative(row.Tally.Redispatched, "the attempts after the first");
        check.NotNegative(row.Tally.Executed, "the attempts launched");
        check.NotNegative(row.Tally.Late, "the late results");
        check.Each(
            row.Tally.Failed,
            "the failures",
            static (check, failed) =>
            {
                check.Defined(failed.Kind, "the kind of a failure");
                check.NotNegative(failed.Count, "the number of failures");
            }
        );
    }

    private static void Entry(this WireCheck check, ModeEntrySnapshot entry)
    {
        check.Scope(entry.Scope);
        check.Change(entry.Change);
        check.NotNegative(entry.Epoch, "the epoch of an entry");
        check.Duration(entry.LeaseLeft ?? default, "the lease of an entry");
        check.Node(entry.Coordinator);
    }

    private static void Line(this WireCheck check, ModeExplanation line)
    {
        check.Name(line.Setting, "the name of a setting");
        check.Prose(line.Value, "the value of a setting");
        check.Text(line.Source, "the source of a setting", WireLimits.ProseBytes);
        check.NotNegative(line.Epoch, "the epoch of a setting");
    }

    private static void Obstacle(this WireCheck check, ModeObstacle obstacle)
    {
        check.Node(obstacle.Node);
        if (obstacle.Gpu is { } gpu)
        {
            check.Gpu(gpu);
        }

        check.Prose(obstacle.Reason, "a reason");
    }

    private static void Budget(this WireCheck check, WeightBudget budget)
    {
        check.Defined(budget.Kind, "the kind of a weight budget");
        if (!double.IsFinite(budget.Share))
        {
            check.Fail($"the share of a weight budget is {budget.Share}", "a number");
        }
    }

    /// <summary>The check of one mode's value, wherever it stands.</summary>
    private sealed record ValueCheck(Action<WireCheck, ModeChange> Change, Action<WireCheck, ModeSettings> Settings)
    {
        public static ValueCheck Of<T>(Func<ModeChange, T?> changed, Func<ModeSettings, T> held, Action<WireCheck, T> valid)
            where T : struct =>
            new((check, change) => valid(check, changed(change) ?? default), (check, settings) => valid(check, held(settings)));
    }
}

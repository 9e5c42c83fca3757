using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Messages.Wire;

/// <summary>What makes the messages of the mode conversation valid. Whether a mode can be had is decided where it is applied.</summary>
internal static class ModeChecks
{
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
        check.Defined(change.CudaGraphs ?? default, "the CUDA graphs mode");
        check.Defined(change.Workspace ?? default, "the workspace strategy");
        check.Defined(change.Profiling ?? default, "the profiling format");
        check.Budget(change.WeightBudget ?? default);
        if (change.RuntimeSettings is { } settings)
        {
            check.Defined(settings.Specialization ?? default, "the kernel specialization");
            check.Defined(settings.GraphStrategy ?? default, "the graph strategy");
            check.OptionalText(settings.Cache?.Path, "the path of a runtime cache", WireLimits.PathBytes);
        }
    }

    public static void Settings(this WireCheck check, ModeSettings? settings)
    {
        check.Present(settings, "the settings");
        check.Defined(settings.CudaGraphs, "the CUDA graphs mode");
        check.Defined(settings.Workspace, "the workspace strategy");
        check.Defined(settings.Profiling, "the profiling format");
        check.Budget(settings.WeightBudget);
        check.Present(settings.RuntimeSettings, "the runtime settings");
        check.RuntimeSettings(settings.RuntimeSettings);
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
                check.Each(exited.NotReached, "those not reached", static (check, exception) => check.Exception(exception));
                break;
            case ModeReply.Listing listing:
                check.NotNegative(listing.Epoch, "the epoch");
                check.Each(listing.Entries, "the entries", static (check, entry) => check.Entry(entry));
                break;
            case ModeReply.Explanation explanation:
                check.NotNegative(explanation.Epoch, "the epoch");
                check.Settings(explanation.Settings);
                check.Each(explanation.Lines, "the lines", static (check, line) => check.Line(line));
                check.Each(explanation.Conflicts, "the conflicts", static (check, exception) => check.Exception(exception));
                break;
            case ModeReply.Refused refused:
                check.Defined(refused.Kind, "the kind of a failure");
                check.Prose(refused.Detail, "the detail of a refusal");
                check.Each(refused.By, "those who refused", static (check, exception) => check.Exception(exception));
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
        }
    }

    private static void Reach(this WireCheck check, long epoch, GpuId[] appliedBy, ModeException[] notReached)
    {
        check.NotNegative(epoch, "the epoch");
        check.Each(appliedBy, "the devices reached", static (check, gpu) => check.Gpu(gpu));
        check.Each(notReached, "those not reached", static (check, exception) => check.Exception(exception));
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

    private static void Exception(this WireCheck check, ModeException exception)
    {
        check.Node(exception.Node);
        if (exception.Gpu is { } gpu)
        {
            check.Gpu(gpu);
        }

        check.Prose(exception.Reason, "a reason");
    }

    private static void Budget(this WireCheck check, WeightBudget budget)
    {
        check.Defined(budget.Kind, "the kind of a weight budget");
        if (!double.IsFinite(budget.Share))
        {
            check.Fail($"the share of a weight budget is {budget.Share}", "a number");
        }
    }

    private static void RuntimeSettings(this WireCheck check, RuntimeSettings settings)
    {
        check.Defined(settings.Specialization, "the kernel specialization");
        check.Defined(settings.GraphStrategy, "the graph strategy");
        check.OptionalText(settings.CachePath, "the path of a runtime cache", WireLimits.PathBytes);
    }
}

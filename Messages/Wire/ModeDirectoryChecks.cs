using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Messages.Wire;

/// <summary>What makes the messages between mode directories valid.</summary>
internal static class ModeDirectoryChecks
{
    /// <summary>What every one of them begins with.</summary>
    public static void Exchange(this WireCheck check, long number, NodeId from, long time)
    {
        check.NotNegative(number, "the number of the exchange");
        check.Node(from);
        check.NotNegative(time, "the Lamport time");
    }

    public static void Prepare(this WireCheck check, PrepareModeChange prepare)
    {
        check.Exchange(prepare.Change, prepare.From, prepare.Time);
        check.Scope(prepare.Scope);
        check.Duration(prepare.TimeLeft, "the time left");
        if (prepare.Entry is { } entry)
        {
            check.Entry(entry);
        }
    }

    public static void Prepared(this WireCheck check, ModeChangePrepared prepared)
    {
        check.Exchange(prepared.Change, prepared.From, prepared.Time);
        check.Objections(prepared.Objections);
    }

    public static void Commit(this WireCheck check, CommitModeChange commit)
    {
        check.Exchange(commit.Change, commit.From, commit.Time);
        check.Duration(commit.TimeLeft, "the time left");
        check.Entries(commit.Entries);
    }

    public static void Committed(this WireCheck check, ModeChangeCommitted committed)
    {
        check.Exchange(committed.Change, committed.From, committed.Time);
        check.Each(committed.Applied, "the devices reached", static (check, gpu) => check.Gpu(gpu));
        check.Each(committed.Silent, "the silent devices", static (check, gpu) => check.Gpu(gpu));
        check.Objections(committed.Objections);
    }

    public static void Page(this WireCheck check, ModePage page)
    {
        check.Exchange(page.Round, page.From, page.Time);
        check.NotNegative(page.Index, "the index of a page");
        check.NotNegative(page.Count, "the number of pages");
        check.Entries(page.Entries);
    }

    private static void Entries(this WireCheck check, ModeEntry[] entries) =>
        check.Each(entries, "the entries", static (check, entry) => check.Entry(entry));

    private static void Entry(this WireCheck check, ModeEntry entry)
    {
        check.Stamp(entry.Stamp);
        check.Scope(entry.Scope);
        check.Change(entry.Change);
        check.Node(entry.Coordinator);
        check.Owner(entry.Owner);
        if (entry.Lease is { } lease)
        {
            check.Stamp(lease.Renewed);
            check.Duration(lease.Left, "the lease of an entry");
        }

        if (entry.End is { } end)
        {
            check.NotNegative(end.Time, "the end of an entry");
            check.Defined(end.Reason, "the reason of an end");
        }
    }

    private static void Stamp(this WireCheck check, ModeStamp stamp)
    {
        check.NotNegative(stamp.Time, "the Lamport time of an entry");
        check.NotNegative(stamp.Counter, "the counter of an entry");
    }

    private static void Objections(this WireCheck check, ModeObjection[] objections) =>
        check.Each(
            objections,
            "the objections",
            static (check, objection) =>
            {
                check.Gpu(objection.Gpu);
                check.Version(objection.Model);
                check.Defined(objection.Kind, "the kind of an objection");
                check.Prose(objection.Reason, "the reason of an objection");
            }
        );
}

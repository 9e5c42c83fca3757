using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

public class ModeTableTests
{
    private static readonly NodeId Here = new("here:1");

    [Fact]
    public void Any_order_and_any_repetition_give_one_table()
    {
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            List<ModeEntry> copies = Copies(random);
            ModeTable straight = ModeTable.Empty.With(copies);

            List<ModeEntry> shuffled = [.. copies, .. copies.Where(_ => random.Next(2) == 0)];
            random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(shuffled));
            int half = random.Next(shuffled.Count);
            ModeTable left = ModeTable.Empty.With(shuffled.Take(half));
            ModeTable right = ModeTable.Empty.With(shuffled.Skip(half));

            Assert.True(straight.Entries.SequenceEqual(left.With(right.Entries).Entries), $"seed {seed}");
            Assert.True(straight.Entries.SequenceEqual(right.With(left.Entries).Entries), $"seed {seed}");
        }
    }

    [Fact]
    public void What_is_known_already_changes_nothing()
    {
        ModeTable table = ModeTable.Empty.With(Baseline(1, new ModeChange { CudaGraphs = CudaGraphsMode.Auto }));
        Assert.Same(table, table.With(table.Entries));
    }

    [Fact]
    public void A_late_copy_cannot_bring_an_ended_entry_back()
    {
        ModeEntry entry = Entered(1);
        ModeEntry renewed = entry with { Lease = new ModeLease(new ModeStamp(9, default, 0), TimeSpan.FromHours(1)) };
        ModeTable table = ModeTable.Empty.With(ModeEntries.Ended(entry, new ModeEnd(3, ModeEndReason.Exited))).With(entry).With(renewed);
        Assert.Equal(new ModeEnd(3, ModeEndReason.Exited), Assert.Single(table.Entries).End);
    }

    [Fact]
    public void The_newest_renewal_counts_whichever_arrives_first()
    {
        ModeEntry entry = Entered(1);
        ModeLease second = new(new ModeStamp(5, default, 0), TimeSpan.FromSeconds(5));
        ModeLease third = new(new ModeStamp(6, default, 0), TimeSpan.FromSeconds(1));
        Assert.Equal(
            third,
            ModeTable.Empty.With(entry with { Lease = third }).With(entry with { Lease = second }).Find(entry.Token!.Value)?.Lease
        );
        Assert.Equal(
            third,
            ModeTable.Empty.With(entry with { Lease = second }).With(entry with { Lease = third }).Find(entry.Token!.Value)?.Lease
        );
    }

    [Fact]
    public void A_tombstone_keeps_its_token_and_forgets_its_change()
    {
        ModeEntry entry = Entered(1);
        ModeTable table = ModeTable.Empty.With(entry with { End = new ModeEnd(2, ModeEndReason.OwnerDied) });
        ModeEntry? tombstone = table.Find(entry.Token!.Value);
        Assert.Equal(ModeChange.None, tombstone?.Change);
        Assert.Null(tombstone?.Lease);
        Assert.Null(table.Without([entry.Stamp]).Find(entry.Token!.Value));
    }

    [Fact]
    public void Only_a_baseline_that_newer_ones_cover_wholly_is_hidden()
    {
        ModeTable table = ModeTable.Empty.With([
            Baseline(1, new ModeChange { CudaGraphs = CudaGraphsMode.Auto }),
            Baseline(2, new ModeChange { CudaGraphs = CudaGraphsMode.Off, Profile = ProfileChoice.Auto }),
            Baseline(3, new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment }),
            Baseline(4, new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment }) with
            {
                Scope = new ModeScope(Node: Here),
            },
        ]);
        Assert.Equal([1L], table.Hidden().Select(stamp => stamp.Time));
    }

    [Fact]
    public void A_baseline_of_one_runtime_setting_does_not_hide_another()
    {
        ModeTable table = ModeTable.Empty.With([
            Baseline(1, new ModeChange { RuntimeSettings = new RuntimeSettingsChange(KernelSpecialization.Eager) }),
            Baseline(
                2,
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange(GraphStrategy: EngineGraphStrategy.WholeGraphCapture) }
            ),
        ]);
        Assert.Empty(table.Hidden());
        Assert.Equal(
            [1L, 2L],
            table.With(Baseline(3, ModeField.ChangeTo(ModeSettings.Default))).Hidden().Select(stamp => stamp.Time).Order()
        );
    }

    [Fact]
    public void An_unset_hides_older_baselines_of_its_scope_alone_in_whatever_order_they_come()
    {
        ModeChange both = new() { CudaGraphs = CudaGraphsMode.Auto, Profile = ProfileChoice.Auto };
        ModeEntry[] entries =
        [
            Baseline(1, both),
            Baseline(2, new ModeChange { CudaGraphs = CudaGraphsMode.Off }),
            Baseline(3, both) with
            {
                Scope = new ModeScope(Node: Here),
            },
            Entered(4),
            Unset(5),
            Baseline(6, new ModeChange { Profile = ProfileChoice.Auto }),
        ];
        foreach (ModeTable table in new[] { ModeTable.Empty.With(entries), ModeTable.Empty.With(entries.Reverse()) })
        {
            Assert.Equal([1L, 2L], table.Hidden().Select(stamp => stamp.Time).Order());
            var inForce = ModesInForce.Of(table.Entries, _ => true, 9);
            Assert.Equal([6L, 4L, 3L, 1L], inForce.Entries.Select(entry => entry.Stamp.Time).OrderDescending());
            Assert.Equal(CudaGraphsMode.Off, inForce.Resolve(default).Settings.CudaGraphs);
            Assert.Equal(CudaGraphsMode.Auto, inForce.Resolve(new ModeTarget(Node: Here)).Settings.CudaGraphs);
            Assert.Equal([5L], table.Needed(table.Entries.Select(entry => entry.Stamp)).Select(stamp => stamp.Time));
            ModeTable collected = table.Without(table.Hidden());
            Assert.Empty(collected.Needed(collected.Entries.Select(entry => entry.Stamp)));
        }
    }

    private static List<ModeEntry> Copies(Random random)
    {
        var copies = new List<ModeEntry>();
        for (int i = 1; i <= 8; i++)
        {
            ModeEntry entry = random.Next(5) switch
            {
                0 => Unset(i),
                < 3 => Baseline(i, new ModeChange { CudaGraphs = (CudaGraphsMode)random.Next(4) }),
                _ => Entered(i),
            };
            if (ModeUnsets.Is(entry))
            {
                copies.Add(entry);
                continue;
            }

            copies.Add(entry);
            for (int copy = random.Next(4); copy > 0; copy--)
            {
                copies.Add(
                    random.Next(2) == 0
                        ? entry with
                        {
                            End = new ModeEnd(random.Next(20), (ModeEndReason)random.Next(1, 5)),
                        }
                        : entry with
                        {
                            Lease = entry.Lease is null
                                ? null
                                : new ModeLease(new ModeStamp(random.Next(20), default, 0), TimeSpan.FromSeconds(random.Next(9))),
                        }
                );
            }
        }

        return copies;
    }

    private static ModeEntry Baseline(long time, ModeChange change) =>
        new(new ModeStamp(time, new NodeIncarnation(7), time), null, ModeScope.Cluster, change, Here);

    /// <summary>Takes graphs back at the cluster's scope.</summary>
    private static ModeEntry Unset(long time) =>
        Baseline(time, new ModeChange { CudaGraphs = CudaGraphsMode.Off }) with
        {
            End = new ModeEnd(time, ModeEndReason.Unset),
        };

    private static ModeEntry Entered(long time) =>
        Baseline(time, new ModeChange { PreAllocatedOutputs = true }) with
        {
            Token = new ModeToken(new Guid((int)time, 0, 0, new byte[8])),
            Lease = new ModeLease(new ModeStamp(time, new NodeIncarnation(7), time), TimeSpan.FromSeconds(30)),
        };
}

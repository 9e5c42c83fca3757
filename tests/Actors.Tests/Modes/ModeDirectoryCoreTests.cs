using Troupe.Actors.Modes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>The rules of modes in a cluster, one by one, on directories wired by hand.
/// Coordinated by <see cref="ModeCoordinator"/>.</summary>
public class ModeDirectoryCoreTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);
    private static readonly ModeChange Graphs = new() { CudaGraphs = CudaGraphsMode.PerSegment };
    private static readonly ModeChange Allocator = new() { OutputAllocator = true };
    private static readonly ModeScope OnModel = new(Model: new ModelReference("m"));

    public static TheoryData<ModeRequest, FailureKind, string> BadRequests { get; } =
        new()
        {
            {
                new EnterMode(ModeScope.Cluster, new ModeChange { CudaGraphs = (CudaGraphsMode)9 }, Minute),
                FailureKind.InvalidRequest,
                "CudaGraphsMode has no value 9"
            },
            { new EnterMode(ModeScope.Cluster, ModeChange.None, Minute), FailureKind.InvalidRequest, "sets no mode" },
            { new UnsetMode(ModeScope.Cluster, []), FailureKind.InvalidRequest, "name at least one" },
            { new UnsetMode(ModeScope.Cluster, ["cuda-grafs"]), FailureKind.InvalidRequest, "there is no mode 'cuda-grafs'" },
            { new UnsetMode(new ModeScope(Node: new NodeId("nowhere:1")), ["profile"]), FailureKind.NotFound, "is not a member" },
            {
                new EnterMode(new ModeScope(Node: new NodeId("nowhere:1")), Graphs, Minute),
                FailureKind.NotFound,
                "Node nowhere:1 is not a member"
            },
            {
                new EnterMode(new ModeScope(Gpu: new GpuId(new NodeId("n0:1"), 7)), Graphs, Minute),
                FailureKind.NotFound,
                "has no GPU 7; it has 0, 1"
            },
            {
                new EnterMode(new ModeScope(Model: new ModelReference("stranger")), Graphs, Minute),
                FailureKind.NotFound,
                "Model 'stranger' is not loaded"
            },
            {
                new EnterMode(new ModeScope(Model: new ModelReference("m", 9)), Graphs, Minute),
                FailureKind.NotFound,
                "Model 'm/9' is not loaded"
            },
            {
                new EnterMode(new ModeScope(Session: new SessionId(Guid.Empty)), Graphs, Minute),
                FailureKind.NotFound,
                "is not known; open one"
            },
            {
                new EnterMode(new ModeScope(Node: new NodeId("n1:1"), Gpu: new GpuId(new NodeId("n0:1"), 0)), Graphs, Minute),
                FailureKind.InvalidRequest,
                "on another node"
            },
            { new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(25)), FailureKind.InvalidRequest, "at most 24 h" },
            { new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.Zero), FailureKind.InvalidRequest, "lease of 0 s" },
            {
                new EnterMode(ModeScope.Cluster, Graphs with { OutputAllocator = true }, Minute),
                FailureKind.ModeConflict,
                ModeConflicts.AllocatorWithGraphs
            },
            {
                new EnterMode(OnModel, new ModeChange { Profile = ProfileChoice.Pinned(99) }, Minute),
                FailureKind.InvalidRequest,
                "Optimization profile index 99 out of range [0, 1)"
            },
            {
                new SetMode(ModeScope.Cluster, new ModeChange { WeightBudget = WeightBudget.OfBytes(-1) }),
                FailureKind.InvalidRequest,
                "Requested budget cannot be negative"
            },
            {
                new SetMode(OnModel, new ModeChange { WeightBudget = WeightBudget.OfFraction(0.5) }),
                FailureKind.NotSupported,
                ModeConflicts.NothingStreamable
            },
            {
                new SetMode(
                    ModeScope.Cluster,
                    new ModeChange { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File("/etc/passwd")) }
                ),
                FailureKind.InvalidRequest,
                "not a name inside the node's cache folder"
            },
            {
                new EnterMode(
                    OnModel,
                    new ModeChange { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File("../x")) },
                    Minute
                ),
                FailureKind.InvalidRequest,
                "write one without '..'"
            },
            { new ExitMode(new ModeToken(Guid.Empty)), FailureKind.NotFound, "is not known: it is foreign" },
            { new RenewMode(new ModeToken(Guid.Empty), Minute), FailureKind.NotFound, "is not known: it is foreign" },
            { new GetModes(new ModeScope(Model: new ModelReference(""))), FailureKind.InvalidRequest, "without a name" },
            { new ExplainModes(new ModeScope(Node: new NodeId("nowhere:1"))), FailureKind.NotFound, "Node nowhere:1" },
            { new OpenSession(TimeSpan.FromDays(2)), FailureKind.InvalidRequest, "at most 24 h" },
            { new CloseSession(new SessionId(Guid.Empty)), FailureKind.NotFound, "is not known" },
        };

    [Theory, MemberData(nameof(BadRequests))]
    public void A_bad_request_gets_its_own_error_and_changes_nothing(ModeRequest request, FailureKind kind, string text)
    {
        var cluster = new ModeCluster(2);
        ulong before = cluster[0].Core.Store.Digest();
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(cluster.Ask(0, request));
        Assert.Equal(kind, refused.Kind);
        Assert.Contains(text, refused.Detail, StringComparison.Ordinal);
        Assert.All(cluster.Nodes, node => Assert.Equal(before, node.Core.Store.Digest()));
        Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute)));
    }

    [Fact]
    public void What_is_entered_for_the_cluster_holds_on_every_GPU_when_it_is_acknowledged_and_nowhere_after_its_exit()
    {
        var cluster = new ModeCluster(2);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute)));
        Assert.Equal(["n0:1/0", "n0:1/1", "n1:1/0", "n1:1/1"], entered.AppliedBy.Select(gpu => gpu.ToString()));
        Assert.Empty(entered.NotReached);
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.PerSegment, node.For(1).Settings.CudaGraphs));
        Assert.All(cluster.Nodes, node => Assert.True(node.For(0).Epoch >= entered.Epoch));

        // Any directory takes the exit.
        Assert.IsType<ModeReply.Exited>(cluster.Ask(1, new ExitMode(entered.Token)));
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.Off, node.For(0).Settings.CudaGraphs));
        ModeReply.Refused again = Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new ExitMode(entered.Token)));
        Assert.Contains("it was exited", again.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(1, 0, 2)]
    [InlineData(2, 1, 0)]
    [InlineData(2, 0, 1)]
    public void Exits_in_any_order_leave_what_the_others_imply(params int[] order)
    {
        var cluster = new ModeCluster(2, traits: _ => new ModuleTraits { ProfileCount = 9 });
        ModeScope[] scopes = [ModeScope.Cluster, OnModel, ModeScope.Cluster];
        ModeToken[] tokens =
        [
            .. scopes.Select(
                (scope, i) =>
                    Assert
                        .IsType<ModeReply.Entered>(
                            cluster.Ask(i % 2, new EnterMode(scope, new ModeChange { Profile = ProfileChoice.Pinned(i + 1) }, Minute))
                        )
                        .Token
            ),
        ];
        HashSet<int> open = [0, 1, 2];
        foreach (int exit in order)
        {
            cluster.Ask(0, new ExitMode(tokens[exit]));
            open.Remove(exit);
            int expected =
                open.Contains(1) ? 2
                : open.Contains(2) ? 3
                : open.Contains(0) ? 1
                : 0;
            Assert.All(cluster.Nodes, node => Assert.Equal(ProfileChoice.Pinned(expected), node.For(0).Settings.Profile));
        }
    }

    [Fact]
    public void A_lease_ends_by_every_nodes_own_clock_unless_it_is_renewed()
    {
        var cluster = new ModeCluster(2);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromSeconds(10)))
        );
        cluster.Settle(TimeSpan.FromSeconds(8));
        Assert.IsType<ModeReply.Renewed>(cluster.Ask(1, new RenewMode(entered.Token, TimeSpan.FromSeconds(10))));
        cluster.Kill(1);
        cluster.Settle(TimeSpan.FromSeconds(8));
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[0].For(0).Settings.CudaGraphs);
        cluster.Settle(TimeSpan.FromSeconds(3));
        Assert.Equal(CudaGraphsMode.Off, cluster[0].For(0).Settings.CudaGraphs);
        ModeReply.Refused late = Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new RenewMode(entered.Token, Minute)));
        Assert.Contains("its lease has ended", late.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_renewal_is_answered_while_the_lease_lasts_when_a_member_has_died_and_nobody_has_noticed()
    {
        var cluster = new ModeCluster(2);
        var lease = TimeSpan.FromSeconds(2);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, lease)));
        ModeReply.SessionOpened session = Assert.IsType<ModeReply.SessionOpened>(cluster.Ask(0, new OpenSession(lease)));
        cluster.Part[cluster[1].Id] = 1;

        ModeCluster.Request renewal = cluster[0].Ask(new RenewMode(entered.Token, lease));
        ModeCluster.Request sessionRenewal = cluster[0].Ask(new RenewSession(session.Session, lease));
        cluster.Settle(lease / 2);

        Assert.IsType<ModeReply.Renewed>(Assert.Single(renewal.Replies));
        Assert.IsType<ModeReply.SessionRenewed>(Assert.Single(sessionRenewal.Replies));
        Assert.IsType<ModeReply.Renewed>(Assert.Single(Renew(cluster, entered.Token, lease).Replies));
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[0].For(0).Settings.CudaGraphs);

        static ModeCluster.Request Renew(ModeCluster cluster, ModeToken token, TimeSpan lease)
        {
            ModeCluster.Request renewal = cluster[0].Ask(new RenewMode(token, lease));
            cluster.Settle(lease / 2);
            return renewal;
        }
    }

    [Fact]
    public void A_session_is_opened_while_its_lease_lasts_when_a_member_is_silent()
    {
        var cluster = new ModeCluster(2);
        cluster.Part[cluster[1].Id] = 1;
        var lease = TimeSpan.FromSeconds(2);
        ModeCluster.Request opening = cluster[0].Ask(new OpenSession(lease));
        cluster.Settle(lease / 2);
        ModeReply.SessionOpened opened = Assert.IsType<ModeReply.SessionOpened>(Assert.Single(opening.Replies));

        ModeCluster.Request renewal = cluster[0].Ask(new RenewSession(opened.Session, lease));
        cluster.Settle(lease / 2);
        Assert.IsType<ModeReply.SessionRenewed>(Assert.Single(renewal.Replies));
    }

    [Fact]
    public void A_mode_that_devices_do_not_run_under_within_its_lease_is_refused_and_taken_back()
    {
        var options = new ModeDirectoryOptions { PrepareBound = TimeSpan.FromMilliseconds(200), CommitBound = TimeSpan.FromSeconds(10) };
        var cluster = new ModeCluster(2, options: options);
        cluster[1].Deaf.Add(1);
        var lease = TimeSpan.FromSeconds(10);
        ModeCluster.Request entering = cluster[0].Ask(new EnterMode(ModeScope.Cluster, Graphs, lease));
        cluster.Settle(lease / 4);
        Assert.All(cluster.Nodes, node => Assert.False(node.Core.InForce.IsEmpty));
        cluster.Settle(lease / 2);
        Assert.All(cluster.Nodes, node => Assert.True(node.Core.InForce.IsEmpty));

        cluster.Settle(options.CommitBound + options.Grace);
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(Assert.Single(entering.Replies));
        Assert.Equal((FailureKind.DeadlineExceeded, "Not acknowledged in time and taken back: n1:1."), (refused.Kind, refused.Detail));
    }

    [Fact]
    public void The_death_of_the_owner_ends_what_it_owned_everywhere()
    {
        var cluster = new ModeCluster(2);
        cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute, "akka://troupe/user/owner"));
        Assert.All(cluster.Nodes, node => Assert.Contains("akka://troupe/user/owner", node.Watched));
        cluster.KillOwner("akka://troupe/user/owner");
        cluster.Run();
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.Off, node.For(0).Settings.CudaGraphs));
        Assert.All(cluster.Nodes, node => Assert.Empty(node.Watched));
    }

    [Fact, Trait("row", "CG-19"), Trait("row", "WG-07")]
    public void A_conflict_is_refused_on_entry_at_any_scope_naming_who_and_why()
    {
        var cluster = new ModeCluster(
            2,
            traits: gpu => new ModuleTraits { RequiresOutputAllocator = gpu.Node.Address == "n1:1" && gpu.Ordinal == 1 }
        );
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute)));
        Assert.Equal(FailureKind.ModeConflict, refused.Kind);
        Assert.Equal(ModeConflicts.RequiredAllocatorWithGraphs, refused.Detail);
        ModeObstacle by = Assert.Single(refused.By);
        Assert.Equal("n1:1/1", by.Gpu?.ToString());
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.Off, node.For(0).Settings.CudaGraphs));
    }

    [Fact]
    public void What_is_not_supported_is_refused_at_model_scope_and_listed_at_wider_ones()
    {
        var cluster = new ModeCluster(2, traits: gpu => new ModuleTraits { CudaGraphs = gpu.Ordinal == 0 });
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new EnterMode(OnModel, Graphs, Minute)));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Equal(2, refused.By.Length);

        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute)));
        Assert.Equal(["n0:1/0", "n1:1/0"], entered.AppliedBy.Select(gpu => gpu.ToString()));
        Assert.Equal(["n0:1/1", "n1:1/1"], entered.NotReached.Select(missed => missed.Gpu.ToString()!).Order(StringComparer.Ordinal));
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[1].For(0).Settings.CudaGraphs);
        Assert.Equal(CudaGraphsMode.Off, cluster[1].For(1).Settings.CudaGraphs);
        Assert.Null(cluster[1].For(1).Conflict);
    }

    [Fact]
    public void A_conflict_that_an_exit_unmasks_fails_the_forwards_and_shows_in_the_explanation()
    {
        var cluster = new ModeCluster(1);
        cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs));
        ModeReply.Entered off = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(0, new EnterMode(ModeScope.Cluster, new ModeChange { CudaGraphs = CudaGraphsMode.Off }, Minute))
        );
        Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Allocator, Minute)));
        Assert.IsType<ModeReply.Exited>(cluster.Ask(0, new ExitMode(off.Token)));
        Assert.Equal(ModeConflicts.AllocatorWithGraphs, cluster[0].For(0).Conflict);
        Assert.Equal(FailureKind.ModeConflict, cluster[0].For(0).Kind);

        ModeReply.Explanation explanation = Assert.IsType<ModeReply.Explanation>(cluster.Ask(0, new ExplainModes(ModeScope.Cluster)));
        Assert.Equal(2, explanation.Conflicts.Length);
        Assert.Equal(ModeConflicts.AllocatorWithGraphs, explanation.Lines.Single(line => line.Setting == "cuda-graphs").Conflict);
        Assert.Equal("cluster (baseline)", explanation.Lines.Single(line => line.Setting == "cuda-graphs").Source);
    }

    [Fact]
    public void A_baseline_that_is_taken_back_lets_wider_scopes_show_through_everywhere()
    {
        var cluster = new ModeCluster(3);
        cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs));
        cluster.Ask(1, new SetMode(OnModel, new ModeChange { CudaGraphs = CudaGraphsMode.Off, PreAllocatedOutputs = true }));
        cluster.Ask(0, new SetMode(ModeScope.Cluster, new ModeChange { CudaGraphs = CudaGraphsMode.WholeModule }));
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.Off, node.For(0).Settings.CudaGraphs));

        ModeReply.Applied applied = Assert.IsType<ModeReply.Applied>(cluster.Ask(2, new UnsetMode(OnModel, ["cudaGraphs"])));
        Assert.Equal(6, applied.AppliedBy.Length);
        Assert.Empty(applied.NotReached);
        Assert.All(
            cluster.Nodes,
            node =>
            {
                CapturedModes captured = node.For(1);
                Assert.Equal((CudaGraphsMode.WholeModule, true), (captured.Settings.CudaGraphs, captured.Settings.PreAllocatedOutputs));
                Assert.True(captured.Epoch >= applied.Epoch);
            }
        );
        ModeReply.Listing listing = Assert.IsType<ModeReply.Listing>(cluster.Ask(0, new GetModes(OnModel)));
        Assert.Equal(new ModeChange { PreAllocatedOutputs = true }, listing.Entries.Single(entry => entry.Scope == OnModel).Change);

        // Set again it holds again; and what is gone altogether is not listed.
        cluster.Ask(1, new SetMode(OnModel, Graphs));
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[0].For(0).Settings.CudaGraphs);
        cluster.Ask(0, new UnsetMode(OnModel, ["cuda-graphs", "pre-allocated-outputs"]));
        Assert.Equal(CudaGraphsMode.WholeModule, cluster[2].For(0).Settings.CudaGraphs);
        listing = Assert.IsType<ModeReply.Listing>(cluster.Ask(1, new GetModes(OnModel)));
        Assert.DoesNotContain(listing.Entries, entry => entry.Scope == OnModel);
    }

    [Fact]
    public void Taking_a_baseline_back_leaves_what_is_entered_at_the_same_scope_and_what_nobody_set()
    {
        var cluster = new ModeCluster(2);
        Assert.IsType<ModeReply.Entered>(cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute)));
        long epoch = cluster[1].Core.InForce.Epoch;
        ModeReply.Applied applied = Assert.IsType<ModeReply.Applied>(
            cluster.Ask(1, new UnsetMode(ModeScope.Cluster, ["cuda-graphs", "profile"]))
        );
        Assert.Equal(epoch, applied.Epoch);
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[0].For(0).Settings.CudaGraphs);
    }

    [Fact]
    public void A_baseline_that_was_taken_back_while_a_member_was_out_of_reach_ends_there_too()
    {
        var cluster = new ModeCluster(3);
        cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs with { PreAllocatedOutputs = true }));
        cluster.Split(0, 0, 1);
        ModeReply.Applied applied = Assert.IsType<ModeReply.Applied>(cluster.Ask(0, new UnsetMode(ModeScope.Cluster, ["cuda-graphs"])));
        Assert.Equal("n2:1", Assert.Single(applied.NotReached).Node.Address);
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[2].For(0).Settings.CudaGraphs);
        cluster.Heal();
        cluster.Run();
        Assert.Equal(CudaGraphsMode.Off, cluster[2].For(0).Settings.CudaGraphs);
        Assert.True(cluster[2].For(0).Settings.PreAllocatedOutputs);
    }

    [Fact]
    public void What_was_taken_back_stays_so_when_its_traces_are_collected()
    {
        var cluster = new ModeCluster(2);
        for (int round = 0; round < 5; round++)
        {
            cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs with { PreAllocatedOutputs = true }));
            cluster.Ask(1, new UnsetMode(ModeScope.Cluster, ["cuda-graphs"]));
            cluster.Settle(TimeSpan.FromSeconds(1));
        }

        // Half a baseline is left, and the one unset that keeps its other half hidden.
        cluster.Settle(new ModeDirectoryOptions().TombstoneAge * 3);
        Assert.All(cluster.Nodes, node => Assert.Equal(2, node.Core.Store.Table.Count));
        Assert.All(cluster.Nodes, node => Assert.Equal(CudaGraphsMode.Off, node.For(0).Settings.CudaGraphs));
        Assert.All(cluster.Nodes, node => Assert.True(node.For(0).Settings.PreAllocatedOutputs));

        cluster.Ask(1, new UnsetMode(ModeScope.Cluster, ["pre-allocated-outputs"]));
        cluster.Settle(new ModeDirectoryOptions().TombstoneAge * 3);
        Assert.All(cluster.Nodes, node => Assert.Equal(0, node.Core.Store.Table.Count));
        Assert.All(cluster.Nodes, node => Assert.Equal(ModeSettings.Default, node.For(0).Settings));
    }

    [Fact]
    public void A_baseline_of_a_model_that_has_gone_can_be_taken_back_and_of_one_never_set_not()
    {
        var cluster = new ModeCluster(1);
        Assert.IsType<ModeReply.Applied>(cluster.Ask(0, new SetMode(OnModel, Graphs)));
        cluster[0].HasModel = false;
        Assert.IsType<ModeReply.Applied>(cluster.Ask(0, new UnsetMode(OnModel, ["cuda-graphs"])));
        Assert.True(cluster[0].Core.InForce.IsEmpty);
        Assert.Equal(
            FailureKind.NotFound,
            Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new UnsetMode(new ModeScope(Model: new ModelReference("x")), ["profile"]))).Kind
        );
    }

    [Fact]
    public void A_GPU_that_fails_to_apply_makes_the_change_be_taken_back_everywhere()
    {
        var cluster = new ModeCluster(2, traits: _ => new ModuleTraits { StreamableWeightBytes = 100 });
        cluster[1].OnCommit = (gpu, modes) =>
            gpu.Ordinal == 1 && modes.Instance(gpu, ModeCluster.Model, cluster.TraitsOf(gpu)).WeightBudget != WeightBudget.Automatic
                ? new InstanceRefusal(ModeCluster.Model, FailureKind.OutOfDeviceMemory, "no room")
                : null;
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(
            cluster.Ask(0, new EnterMode(OnModel, new ModeChange { WeightBudget = WeightBudget.OfBytes(80) }, Minute))
        );
        Assert.Equal(FailureKind.OutOfDeviceMemory, refused.Kind);
        Assert.Equal("n1:1/1", Assert.Single(refused.By).Gpu?.ToString());
        Assert.All(cluster.Nodes, node => Assert.True(node.Core.InForce.IsEmpty));
    }

    [Fact]
    public void Silence_is_a_refusal_after_its_bound_and_is_taken_back()
    {
        var cluster = new ModeCluster(2);
        cluster[1].Deaf.Add(1);
        ModeCluster.Request request = cluster[0].Ask(new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(1)));
        cluster.Settle(TimeSpan.FromSeconds(200));
        ModeReply.Refused refused = Assert.IsType<ModeReply.Refused>(Assert.Single(request.Replies));
        Assert.Equal(FailureKind.DeadlineExceeded, refused.Kind);
        Assert.Equal("n1:1/1", Assert.Single(refused.By).Gpu?.ToString());
        Assert.All(cluster.Nodes, node => Assert.True(node.Core.InForce.IsEmpty));
    }

    [Fact]
    public void A_member_out_of_reach_is_outside_the_scope_and_catches_up_before_work_passes()
    {
        var cluster = new ModeCluster(3);
        cluster.Split(0, 0, 1);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(1)))
        );
        Assert.Equal("n2:1", Assert.Single(entered.NotReached).Node.Address);
        Assert.Equal(CudaGraphsMode.Off, cluster[2].For(0).Settings.CudaGraphs);

        cluster[0].Synchronized.Clear();
        cluster.Heal();
        Assert.Empty(cluster[0].Synchronized);
        cluster.Run();
        Assert.Contains(cluster[2].Id, cluster[0].Synchronized);
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[2].For(0).Settings.CudaGraphs);
    }

    [Fact]
    public void A_joiner_is_ready_only_when_it_holds_what_the_others_hold()
    {
        var cluster = new ModeCluster(2);
        cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(1)));
        for (int i = 0; i < 200; i++)
        {
            cluster.Ask(1, new EnterMode(OnModel, new ModeChange { PreAllocatedOutputs = true }, TimeSpan.FromHours(1)));
        }

        ModeCluster.Node joiner = cluster.Join();
        Assert.False(joiner.Core.IsReady);
        cluster.Run();
        Assert.True(joiner.Core.IsReady);
        Assert.Equal(CudaGraphsMode.PerSegment, joiner.For(0).Settings.CudaGraphs);
        Assert.Equal(cluster[0].Core.Store.Digest(), joiner.Core.Store.Digest());
    }

    [Fact]
    public void An_exit_on_one_side_of_a_partition_holds_after_it()
    {
        var cluster = new ModeCluster(3);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(2, new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(1)))
        );
        cluster.Split(0, 0, 1);
        ModeReply.Exited exited = Assert.IsType<ModeReply.Exited>(cluster.Ask(0, new ExitMode(entered.Token)));
        Assert.Single(exited.NotReached);
        Assert.IsType<ModeReply.Renewed>(cluster.Ask(2, new RenewMode(entered.Token, TimeSpan.FromHours(2))));
        cluster.Heal();
        cluster.Settle(TimeSpan.FromSeconds(1));
        Assert.All(cluster.Nodes, node => Assert.True(node.Core.InForce.IsEmpty));
    }

    [Fact]
    public void What_is_over_is_forgotten_when_everybody_knows_and_never_while_somebody_does_not()
    {
        var cluster = new ModeCluster(2);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, TimeSpan.FromHours(1)))
        );
        cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs));
        cluster.Ask(0, new SetMode(ModeScope.Cluster, Graphs));
        cluster.Split(0, 1);
        cluster.Ask(0, new ExitMode(entered.Token));
        cluster.Settle(TimeSpan.FromMinutes(4));
        Assert.NotNull(cluster[0].Core.Store.Table.Find(entered.Token)?.End);

        cluster.Heal();
        cluster.Settle(TimeSpan.FromMinutes(5));
        Assert.All(cluster.Nodes, node => Assert.Equal(1, node.Core.Store.Table.Count));
    }

    [Fact]
    public void A_session_holds_its_modes_until_it_is_closed_or_its_lease_ends()
    {
        var cluster = new ModeCluster(2);
        SessionId session = Assert.IsType<ModeReply.SessionOpened>(cluster.Ask(0, new OpenSession(Minute))).Session;
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(1, new EnterMode(new ModeScope(Session: session), Graphs, TimeSpan.FromHours(1)))
        );
        Assert.Equal(CudaGraphsMode.PerSegment, cluster[0].For(0, session).Settings.CudaGraphs);
        Assert.Equal(CudaGraphsMode.Off, cluster[0].For(0).Settings.CudaGraphs);
        Assert.IsType<ModeReply.SessionRenewed>(cluster.Ask(1, new RenewSession(session, Minute)));

        Assert.IsType<ModeReply.SessionClosed>(cluster.Ask(1, new CloseSession(session)));
        Assert.Equal(CudaGraphsMode.Off, cluster[0].For(0, session).Settings.CudaGraphs);
        Assert.Contains(
            "its session was closed",
            Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new ExitMode(entered.Token))).Detail,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "closed",
            Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new EnterMode(new ModeScope(Session: session), Graphs, Minute))).Detail,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_per_instance_setting_is_refused_for_a_session_and_a_call()
    {
        var cluster = new ModeCluster(1);
        SessionId session = Assert.IsType<ModeReply.SessionOpened>(cluster.Ask(0, new OpenSession(Minute))).Session;
        var change = new ModeChange { Workspace = WorkspaceStrategy.Dynamic };
        Assert.Equal(
            FailureKind.InvalidRequest,
            Assert.IsType<ModeReply.Refused>(cluster.Ask(0, new EnterMode(new ModeScope(Session: session), change, Minute))).Kind
        );
        CapturedModes captured = cluster[0].For(0, call: change);
        Assert.Equal(FailureKind.InvalidRequest, captured.Kind);
        Assert.NotNull(captured.Conflict);
    }

    [Fact]
    public void A_listing_tells_what_bears_on_a_scope_with_the_time_left()
    {
        var cluster = new ModeCluster(2);
        ModeReply.Entered entered = Assert.IsType<ModeReply.Entered>(
            cluster.Ask(0, new EnterMode(new ModeScope(Node: cluster[0].Id), Graphs, Minute))
        );
        cluster.Ask(0, new SetMode(OnModel, new ModeChange { MultiDeviceSafe = true }));
        cluster.Settle(TimeSpan.FromSeconds(10));
        ModeReply.Listing listing = Assert.IsType<ModeReply.Listing>(cluster.Ask(1, new GetModes(new ModeScope(Node: cluster[0].Id))));
        Assert.Equal(2, listing.Entries.Length);
        ModeEntrySnapshot mode = listing.Entries.Single(entry => entry.Token == entered.Token);
        Assert.InRange(mode.LeaseLeft!.Value, TimeSpan.FromSeconds(49), TimeSpan.FromSeconds(50));
        Assert.Single(Assert.IsType<ModeReply.Listing>(cluster.Ask(1, new GetModes(new ModeScope(Node: cluster[1].Id)))).Entries);
    }

    [Fact]
    public void A_forward_of_a_known_instance_finds_its_settings_without_allocating()
    {
        var cluster = new ModeCluster(1);
        cluster.Ask(0, new EnterMode(ModeScope.Cluster, Graphs, Minute));
        var modes = new ModesForGpu(cluster[0].Core.InForce);
        var gpu = new GpuId(cluster[0].Id, 0);
        modes.For(gpu, ModeCluster.Model, ModuleTraits.Plain, null, null);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            modes.For(gpu, ModeCluster.Model, ModuleTraits.Plain, null, null);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

public class ModesInForceTests
{
    private static readonly NodeId Node = new("a:1");
    private static readonly GpuId Gpu = new(Node, 0);
    private static readonly ModelVersion Model = new("m", 3, default);
    private static readonly SessionId Session = new(new Guid(1, 2, 3, new byte[8]));

    /// <summary>Every scope that holds for the one forward these tests look at, widest first.</summary>
    private static readonly ModeScope[] ByPrecedence =
    [
        ModeScope.Cluster,
        new(Node: Node),
        new(Gpu: Gpu),
        new(Model: new ModelReference("m")),
        new(Model: new ModelReference("m", 3)),
        new(Node: Node, Model: new ModelReference("m")),
        new(Gpu: Gpu, Model: new ModelReference("m")),
        new(Gpu: Gpu, Model: new ModelReference("m", 3)),
        new(Session: Session),
        new(Gpu: Gpu, Session: Session),
        new(Model: new ModelReference("m"), Session: Session),
    ];

    [Fact]
    public void The_narrower_scope_wins_whichever_is_newer()
    {
        for (int wide = 0; wide < ByPrecedence.Length; wide++)
        {
            for (int narrow = wide + 1; narrow < ByPrecedence.Length; narrow++)
            {
                foreach (bool narrowFirst in new[] { true, false })
                {
                    ModesInForce modes = InForce(
                        Entry(narrowFirst ? 2 : 1, ByPrecedence[wide], new ModeChange { Profile = ProfileChoice.Pinned(1) }),
                        Entry(narrowFirst ? 1 : 2, ByPrecedence[narrow], new ModeChange { Profile = ProfileChoice.Pinned(2) })
                    );
                    Assert.Equal(ProfileChoice.Pinned(2), modes.Resolve(ModeTarget.Of(Gpu, Model, Session)).Settings.Profile);
                }
            }
        }
    }

    [Fact]
    public void A_call_wins_over_everything_setting_by_setting()
    {
        ModesInForce modes = InForce(
            Entry(1, new ModeScope(Session: Session), new ModeChange { CudaGraphs = CudaGraphsMode.Auto, Profile = ProfileChoice.Auto })
        );
        EffectiveModes effective = modes.Resolve(ModeTarget.Of(Gpu, Model, Session), new ModeChange { Profile = ProfileChoice.Pinned(1) });
        Assert.Equal(CudaGraphsMode.Auto, effective.Settings.CudaGraphs);
        Assert.Equal(ProfileChoice.Pinned(1), effective.Settings.Profile);
        Assert.Equal("call", effective.Source(ModeField.Profile).ToString());
        Assert.Equal($"session {Session} (entered)", effective.Source(ModeField.CudaGraphs).ToString());
        Assert.Equal("default", effective.Source(ModeField.Workspace).ToString());
    }

    [Fact]
    public void Within_a_scope_the_newest_wins_be_it_baseline_or_entry()
    {
        ModeEntry entered = Entry(5, ModeScope.Cluster, new ModeChange { PreAllocatedOutputs = true });
        ModeEntry baseline = entered with
        {
            Token = null,
            Lease = null,
            Change = new ModeChange { PreAllocatedOutputs = false },
        };
        Assert.True(InForce(baseline with { Stamp = Stamp(4) }, entered).Resolve(default).Settings.PreAllocatedOutputs);
        Assert.False(InForce(baseline with { Stamp = Stamp(6) }, entered).Resolve(default).Settings.PreAllocatedOutputs);
    }

    [Theory]
    [InlineData("b:1", 0, "m", 3, false)]
    [InlineData("a:1", 1, "m", 3, false)]
    [InlineData("a:1", 0, "n", 3, false)]
    [InlineData("a:1", 0, "m", 4, true)]
    public void A_scope_holds_only_where_all_its_selectors_match(string node, int ordinal, string model, int number, bool holds)
    {
        ModesInForce modes = InForce(
            Entry(1, new ModeScope(Gpu: Gpu, Model: new ModelReference("m")), new ModeChange { PreAllocatedOutputs = true })
        );
        ModeTarget target = ModeTarget.Of(new GpuId(new NodeId(node), ordinal), new ModelVersion(model, number, default));
        Assert.Equal(holds, modes.Resolve(target).Settings.PreAllocatedOutputs);
    }

    [Fact]
    public void A_session_that_is_over_takes_its_modes_with_it()
    {
        ModeEntry session = SessionEntry();
        ModeEntry mode = Entry(2, new ModeScope(Session: Session), new ModeChange { PreAllocatedOutputs = true });
        ModeTarget target = ModeTarget.Of(Gpu, Model, Session);
        Assert.True(ModesInForce.Of([session, mode], _ => true, 2).Resolve(target).Settings.PreAllocatedOutputs);
        Assert.False(ModesInForce.Of([session, mode], entry => !entry.IsSession, 2).Resolve(target).Settings.PreAllocatedOutputs);
        Assert.False(
            ModesInForce
                .Of([ModeEntries.Ended(session, new ModeEnd(3, ModeEndReason.Exited)), mode], _ => true, 3)
                .Resolve(target)
                .Settings.PreAllocatedOutputs
        );
    }

    [Fact]
    public void Exits_in_any_order_leave_what_the_others_imply_and_arrival_order_does_not_matter()
    {
        for (int seed = 0; seed < 400; seed++)
        {
            var random = new Random(seed);
            ModeEntry[] entries =
            [
                .. Enumerable.Range(1, 10).Select(time => Entry(time, ByPrecedence[random.Next(ByPrecedence.Length)], Change(random))),
                SessionEntry(),
            ];
            bool[] ended = [.. entries.Select(entry => !entry.IsSession && random.Next(3) == 0)];
            ModeEntry[] left = [.. entries.Where((_, i) => !ended[i])];

            ModeEntry[] arrivals =
            [
                .. entries,
                .. entries.Where((_, i) => ended[i]).Select(entry => ModeEntries.Ended(entry, new ModeEnd(20, ModeEndReason.Exited))),
            ];
            random.Shuffle(arrivals);
            ModesInForce folded = ModesInForce.Of(ModeTable.Empty.With(arrivals).Entries, _ => true, 20);
            ModesInForce expected = ModesInForce.Of(ModeTable.Empty.With(left).Entries, _ => true, 20);
            foreach (SessionId? session in new SessionId?[] { null, Session })
            {
                ModeTarget target = ModeTarget.Of(Gpu, Model, session);
                Assert.True(expected.Resolve(target).Settings == folded.Resolve(target).Settings, $"seed {seed}");
                Assert.True(expected.Resolve(target).Sources.SequenceEqual(folded.Resolve(target).Sources), $"seed {seed}");
            }
        }
    }

    [Fact]
    public void What_a_back_end_cannot_do_is_left_out_when_a_wide_scope_asks_for_it()
    {
        var traits = new ModuleTraits { CudaGraphs = false };
        ModesInForce modes = InForce(
            Entry(1, new ModeScope(Gpu: Gpu), new ModeChange { CudaGraphs = CudaGraphsMode.Auto, PreAllocatedOutputs = true })
        );
        AdmittedModes admitted = modes.Admit(ModeTarget.Of(Gpu, Model), traits);
        Assert.Null(admitted.Refusal);
        Assert.Equal(CudaGraphsMode.Off, admitted.Settings.CudaGraphs);
        Assert.True(admitted.Settings.PreAllocatedOutputs);
    }

    [Fact]
    public void What_a_back_end_cannot_do_fails_the_forward_when_its_model_scope_or_the_call_asks_for_it()
    {
        var traits = new ModuleTraits { CudaGraphs = false };
        var change = new ModeChange { CudaGraphs = CudaGraphsMode.Auto };
        ModesInForce modes = InForce(Entry(1, new ModeScope(Model: new ModelReference("m")), change));
        Assert.Equal(FailureKind.ModeConflict, modes.Admit(ModeTarget.Of(Gpu, Model), traits).Refusal?.Kind);
        Assert.Equal(FailureKind.NotSupported, ModesInForce.None.Admit(ModeTarget.Of(Gpu, Model), traits, change).Refusal?.Kind);
    }

    [Fact]
    public void Objections_to_a_candidate_are_only_those_it_brings_about()
    {
        var traits = new ModuleTraits { Profiling = false };
        ModeEntry old = Entry(1, ModeScope.Cluster, new ModeChange { Profiling = ProfilingFormat.Trex, OutputAllocator = true });
        ModeEntry harmless = Entry(2, ModeScope.Cluster, new ModeChange { PreAllocatedOutputs = true });
        ModeEntry conflicting = Entry(2, ModeScope.Cluster, new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment });
        ModeTarget target = ModeTarget.Of(Gpu, Model);
        Assert.Empty(InForce(old, harmless).Objections(target, traits, harmless.Stamp));
        Assert.Equal(
            ModeConflicts.AllocatorWithGraphs,
            Assert.Single(InForce(old, conflicting).Objections(target, traits, conflicting.Stamp)).Reason
        );
        Assert.Equal(2, InForce(old, conflicting).Objections(target, traits, null).Count);
    }

    [Fact]
    public void What_any_session_uses_is_held()
    {
        ModesInForce modes = InForce(
            SessionEntry(),
            Entry(1, ModeScope.Cluster, new ModeChange { CudaGraphs = CudaGraphsMode.WholeModule }),
            Entry(2, new ModeScope(Session: Session), new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment, PreAllocatedOutputs = true })
        );
        Assert.Equal(new HeldModes(true, true, true, false), modes.Held(Gpu, Model, ModuleTraits.Plain));
    }

    private static ModeChange Change(Random random) =>
        random.Next(4) switch
        {
            0 => new ModeChange { Profile = ProfileChoice.Pinned(random.Next(5)) },
            1 => new ModeChange { PreAllocatedOutputs = random.Next(2) == 0, Profile = ProfileChoice.Auto },
            2 => new ModeChange { CudaGraphs = (CudaGraphsMode)random.Next(4) },
            _ => new ModeChange
            {
                RuntimeSettings = new RuntimeSettingsChange(
                    (KernelSpecialization)random.Next(3),
                    random.Next(2) == 0 ? EngineGraphStrategy.WholeGraphCapture : null
                ),
            },
        };

    private static ModesInForce InForce(params ModeEntry[] entries)
    {
        IEnumerable<ModeEntry> all = entries.Any(entry => entry.IsSession) ? entries : [SessionEntry(), .. entries];
        return ModesInForce.Of(all, _ => true, entries.Max(entry => entry.Stamp.Time));
    }

    private static ModeStamp Stamp(long time) => new(time, new NodeIncarnation(1), time);

    private static ModeEntry Entry(long time, ModeScope scope, ModeChange change) =>
        new(Stamp(time), new ModeToken(Guid.NewGuid()), scope, change, Node);

    private static ModeEntry SessionEntry() => new(Stamp(0), null, new ModeScope(Session: Session), ModeChange.None, Node, IsSession: true);
}

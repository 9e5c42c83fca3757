using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Tests.Modes;

namespace Troupe.Runtime.Tests.Scopes;

public class RuntimeModesTests
{
    private static readonly ModuleTraits Hybrid = new() { HasFallbackSegments = true };
    private static readonly ModuleTraits Streamable = new() { StreamableWeightBytes = 1000 };
    private static readonly ModuleTraits Rtx = new() { RuntimeSettings = true };

    private readonly RuntimeModes _modes = new();

    [Fact, Trait("row", "MO-01")]
    public void A_fresh_runtime_has_neither_graph_mode()
    {
        Assert.False(_modes.GetCudaGraphsMode());
        Assert.False(_modes.GetWholeCudaGraphsMode());
    }

    [Fact, Trait("row", "MO-02")]
    public void Setting_the_mode_means_per_segment_and_never_whole()
    {
        _modes.SetCudaGraphsMode(true);
        Assert.True(_modes.GetCudaGraphsMode());
        Assert.False(_modes.GetWholeCudaGraphsMode());
        Assert.Equal(1, (int)_modes.CudaGraphs());

        _modes.SetCudaGraphsMode(false);
        Assert.False(_modes.GetCudaGraphsMode());
        Assert.Equal(0, (int)_modes.CudaGraphs());
    }

    [Fact, Trait("row", "MO-04")]
    public void A_scope_on_a_pure_engine_module_is_per_segment_inside_and_off_after()
    {
        using var module = new RecordingModule(_modes);
        using (module.EnableCudaGraphs())
        {
            Assert.True(_modes.GetCudaGraphsMode(module));
            Assert.False(_modes.GetWholeCudaGraphsMode(module));
        }

        Assert.False(_modes.GetCudaGraphsMode(module));
    }

    [Fact, Trait("row", "MO-05")]
    public void A_scope_on_a_module_with_fallback_segments_is_whole()
    {
        using var module = new RecordingModule(_modes, Hybrid);
        using EnteredMode scope = module.EnableCudaGraphs();
        Assert.True(_modes.GetWholeCudaGraphsMode(module));
        Assert.False(_modes.GetCudaGraphsMode(module));
    }

    [Fact, Trait("row", "MO-10")]
    public void A_scope_on_one_module_leaves_another_and_the_baseline_alone()
    {
        using var a = new RecordingModule(_modes);
        using var b = new RecordingModule(_modes);
        using EnteredMode scope = a.EnableCudaGraphs();
        Assert.Equal(CudaGraphsMode.Auto, _modes.Admit(a).Settings.CudaGraphs);
        Assert.Equal(CudaGraphsMode.Off, _modes.Admit(b).Settings.CudaGraphs);
        Assert.False(_modes.GetCudaGraphsMode());
        Assert.Empty(b.Released);
    }

    [Fact, Trait("row", "MO-10")]
    public void Two_loads_of_one_model_are_two_places()
    {
        using var first = new RecordingModule(_modes, name: "resnet");
        using var second = new RecordingModule(_modes, name: "resnet");
        using EnteredMode scope = first.EnablePreAllocatedOutputs();
        Assert.True(_modes.Admit(first).Settings.PreAllocatedOutputs);
        Assert.False(_modes.Admit(second).Settings.PreAllocatedOutputs);
    }

    [Fact, Trait("row", "CG-19")]
    public void A_baseline_is_not_checked_but_the_call_of_a_module_that_requires_an_allocator_fails()
    {
        using var module = new RecordingModule(_modes, new ModuleTraits { RequiresOutputAllocator = true });
        _modes.SetCudaGraphsMode(true);
        ModeRefusal refusal = Assert.IsType<ModeRefusal>(_modes.Admit(module).Refusal);
        Assert.Equal(FailureKind.ModeConflict, refusal.Kind);
        Assert.StartsWith(
            "The model contains submodules that require a dynamic output allocator",
            refusal.Reason,
            StringComparison.Ordinal
        );

        _modes.SetCudaGraphsMode(false);
        Assert.Null(_modes.Admit(module).Refusal);
    }

    [Fact, Trait("row", "WG-07"), Trait("row", "OA-06")]
    public void Entering_graphs_where_an_allocator_is_required_fails_and_the_mode_stays()
    {
        using var module = new RecordingModule(_modes, Hybrid with { RequiresOutputAllocator = true });
        ForwardException failure = Assert.Throws<ForwardException>(() => module.EnableCudaGraphs());
        Assert.Equal(ModeConflicts.RequiredAllocatorWithGraphs, failure.Message);
        Assert.False(_modes.GetWholeCudaGraphsMode(module));

        using (module.EnableOutputAllocator())
        {
            Assert.Equal(
                ModeConflicts.RequiredAllocatorWithGraphs,
                Assert.Throws<ForwardException>(() => module.EnableCudaGraphs()).Message
            );
        }
    }

    [Theory, Trait("row", "WG-08"), Trait("row", "OA-05")]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void Graphs_and_a_user_allocator_do_not_nest_either_way(bool hybrid, bool graphsFirst)
    {
        using var module = new RecordingModule(_modes, hybrid ? Hybrid : ModuleTraits.Plain);
        using (graphsFirst ? module.EnableCudaGraphs() : module.EnableOutputAllocator())
        {
            ForwardException failure = Assert.Throws<ForwardException>(() =>
                graphsFirst ? module.EnableOutputAllocator() : module.EnableCudaGraphs()
            );
            Assert.Equal(ModeConflicts.AllocatorWithGraphs, failure.Message);
            Assert.Null(_modes.Admit(module).Refusal);
        }

        using EnteredMode afterwards = graphsFirst ? module.EnableOutputAllocator() : module.EnableCudaGraphs();
        Assert.Null(_modes.Admit(module).Refusal);
    }

    [Fact, Trait("row", "OA-05")]
    public void A_baseline_that_contradicts_a_scope_fails_the_calls_until_either_goes()
    {
        using var module = new RecordingModule(_modes);
        using (module.EnableOutputAllocator())
        {
            _modes.SetCudaGraphsMode(true);
            Assert.Equal(ModeConflicts.AllocatorWithGraphs, _modes.Admit(module).Refusal?.Reason);
        }

        Assert.Null(_modes.Admit(module).Refusal);
    }

    [Fact, Trait("row", "WG-09"), Trait("row", "PA-10")]
    public void At_the_end_of_a_scope_what_only_it_held_is_released()
    {
        using var module = new RecordingModule(_modes, Hybrid);
        EnteredMode graphs = module.EnableCudaGraphs();
        EnteredMode outputs = module.EnablePreAllocatedOutputs();
        Assert.Equal(new HeldModes(false, true, true, false), module.Released[^1]);

        graphs.Dispose();
        Assert.Equal(new HeldModes(false, false, true, false), module.Released[^1]);
        outputs.Dispose();
        Assert.Equal(default, module.Released[^1]);
    }

    [Fact, Trait("row", "WG-09")]
    public void A_recording_that_the_baseline_asks_for_too_outlives_the_scope()
    {
        using var module = new RecordingModule(_modes);
        _modes.SetCudaGraphsMode(true);
        module.EnableCudaGraphs().Dispose();
        Assert.True(module.Released[^1].SegmentGraphs);

        _modes.SetCudaGraphsMode(false);
        Assert.False(module.Released[^1].SegmentGraphs);
    }

    [Fact, Trait("row", "WG-10"), Trait("row", "RS-03")]
    public void A_strategy_on_another_back_end_fails_and_nothing_of_the_enter_stays()
    {
        using var module = new RecordingModule(_modes);
        ForwardException failure = Assert.Throws<ForwardException>(() => module.EnableCudaGraphs(EngineGraphStrategy.WholeGraphCapture));
        Assert.Contains("TRT-RTX-only", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ModeSettings.Default, _modes.Admit(module).Settings);
        Assert.Empty(module.Applied);
    }

    [Fact, Trait("row", "WG-10")]
    public void A_strategy_whose_application_fails_takes_the_graph_mode_back_with_it()
    {
        using var module = new RecordingModule(_modes, Rtx) { Refuses = true };
        Assert.Throws<ForwardException>(() => module.EnableCudaGraphs(EngineGraphStrategy.WholeGraphCapture));
        Assert.Equal(ModeSettings.Default, _modes.Admit(module).Settings);

        module.Refuses = false;
        using EnteredMode scope = module.EnableCudaGraphs(EngineGraphStrategy.WholeGraphCapture);
        Assert.Equal(EngineGraphStrategy.WholeGraphCapture, module.Current.RuntimeSettings.GraphStrategy);
    }

    [Fact, Trait("row", "OP-10"), Trait("row", "RS-02")]
    public void Settings_on_two_modules_hold_for_both_or_for_none()
    {
        using var first = new RecordingModule(_modes, Rtx);
        using var second = new RecordingModule(_modes, Rtx) { Refuses = true };
        Assert.Throws<ForwardException>(() => ModeScopeVerbs.RuntimeConfig([first, second], KernelSpecialization.Eager));
        Assert.Equal(RuntimeSettings.Default, first.Current.RuntimeSettings);
        Assert.Equal(ModeSettings.Default, _modes.Admit(first).Settings);

        second.Refuses = false;
        using (ModeScopeVerbs.RuntimeConfig([first, second], KernelSpecialization.Eager))
        {
            Assert.All([first, second], module => Assert.Equal(KernelSpecialization.Eager, module.Current.RuntimeSettings.Specialization));
        }

        Assert.All([first, second], module => Assert.Equal(RuntimeSettings.Default, module.Current.RuntimeSettings));
    }

    [Fact, Trait("row", "RS-02")]
    public void Scopes_of_different_knobs_end_in_any_order()
    {
        using var module = new RecordingModule(_modes, Rtx);
        EnteredMode eager = module.RuntimeConfig(specialization: KernelSpecialization.Eager);
        EnteredMode cache = module.RuntimeCache("");
        eager.Dispose();
        Assert.Equal(RuntimeSettings.Default with { CachePath = "" }, module.Current.RuntimeSettings);
        cache.Dispose();
        Assert.Equal(RuntimeSettings.Default, module.Current.RuntimeSettings);
    }

    [Fact, Trait("row", "WS-04")]
    public void A_budget_above_the_total_is_clamped_and_a_negative_one_changes_nothing()
    {
        using var module = new RecordingModule(_modes, Streamable);
        using WeightStreamingScope scope = module.WeightStreaming();
        Assert.Equal(1000, scope.TotalDeviceBudget);
        Assert.Equal(500, scope.DeviceBudget);

        scope.DeviceBudget = 1001;
        Assert.Equal(1000, scope.DeviceBudget);
        Assert.Equal("Requested budget cannot be negative", Assert.Throws<ForwardException>(() => scope.DeviceBudget = -1).Message);
        Assert.Equal(1000, scope.DeviceBudget);
    }

    [Fact, Trait("row", "WS-04")]
    public void Without_streamable_weights_a_budget_is_refused_in_the_seeds_words()
    {
        using var module = new RecordingModule(_modes);
        using WeightStreamingScope scope = module.WeightStreaming();
        Assert.StartsWith(
            "Streamable bytes are zero.",
            Assert.Throws<ForwardException>(() => scope.DeviceBudget = 1).Message,
            StringComparison.Ordinal
        );
        Assert.Empty(module.Applied);
    }

    [Fact, Trait("row", "WS-11")]
    public void Nested_budgets_end_in_any_order_and_the_last_brings_back_the_engines_own()
    {
        using var module = new RecordingModule(_modes, Streamable);
        WeightStreamingScope outer = module.WeightStreaming();
        outer.DeviceBudget = 700;
        WeightStreamingScope inner = module.WeightStreaming();
        inner.DeviceBudget = 100;
        outer.Dispose();
        Assert.Equal(100, module.WeightBudgetBytes);
        inner.Dispose();
        Assert.Equal(WeightBudget.Automatic, module.Current.WeightBudget);
    }

    [Theory, Trait("row", "OP-06")]
    [InlineData(99)]
    [InlineData(2)]
    [InlineData(-1)]
    public void A_profile_out_of_range_is_refused(int index)
    {
        using var module = new RecordingModule(_modes, new ModuleTraits { ProfileCount = 2 });
        ForwardException failure = Assert.Throws<ForwardException>(() => module.OptimizationProfile(index));
        Assert.Equal(FailureKind.InvalidRequest, failure.Kind);
        Assert.Contains($"Optimization profile index {index}", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ProfileChoice.Pinned(0), _modes.Admit(module).Settings.Profile);
    }

    [Fact, Trait("row", "OP-06")]
    public void A_profile_scope_restores_what_held_before_and_takes_no_other_word_than_auto()
    {
        using var module = new RecordingModule(_modes, new ModuleTraits { ProfileCount = 2 });
        using (module.OptimizationProfile(1))
        {
            using (module.OptimizationProfile("auto"))
            {
                Assert.True(_modes.Admit(module).Settings.Profile.IsAuto);
            }

            Assert.Equal(ProfileChoice.Pinned(1), _modes.Admit(module).Settings.Profile);
            Assert.Contains(
                "decode",
                Assert.Throws<ForwardException>(() => module.OptimizationProfile("decode")).Message,
                StringComparison.Ordinal
            );
        }

        Assert.Equal(ProfileChoice.Pinned(0), _modes.Admit(module).Settings.Profile);
    }

    [Fact, Trait("row", "MD-01")]
    public void Safe_mode_flips_at_the_call_and_a_scope_brings_the_previous_back()
    {
        Assert.False(_modes.GetMultiDeviceSafeMode());
        _modes.SetMultiDeviceSafeMode(true);
        Assert.True(_modes.GetMultiDeviceSafeMode());
        _modes.SetMultiDeviceSafeMode(false);
        Assert.False(_modes.GetMultiDeviceSafeMode());
        using (_modes.SetMultiDeviceSafeMode(true))
        {
            Assert.True(_modes.GetMultiDeviceSafeMode());
        }

        Assert.False(_modes.GetMultiDeviceSafeMode());
    }

    [Fact, Trait("row", "MD-01")]
    public void Safe_mode_scopes_end_in_any_order()
    {
        EnteredMode on = _modes.SetMultiDeviceSafeMode(true);
        EnteredMode off = _modes.SetMultiDeviceSafeMode(false);
        on.Dispose();
        Assert.False(_modes.GetMultiDeviceSafeMode());
        off.Dispose();
        Assert.False(_modes.GetMultiDeviceSafeMode());
    }

    [Fact]
    public void A_restoration_that_fails_is_reported_by_the_next_forward_and_tried_again()
    {
        using var module = new RecordingModule(_modes, Streamable);
        WeightStreamingScope scope = module.WeightStreaming();
        scope.DeviceBudget = 200;
        module.Refuses = true;
        scope.Dispose();
        Assert.Equal(FailureKind.OutOfDeviceMemory, _modes.Admit(module).Refusal?.Kind);

        module.Refuses = false;
        Assert.Null(_modes.Admit(module).Refusal);
        Assert.Equal(WeightBudget.Automatic, module.Current.WeightBudget);
    }

    [Fact]
    public void Disposing_twice_or_after_the_module_is_gone_does_nothing()
    {
        var module = new RecordingModule(_modes);
        EnteredMode scope = module.EnableCudaGraphs();
        scope.Dispose();
        scope.Dispose();
        EnteredMode late = module.EnableCudaGraphs();
        module.Dispose();
        late.Dispose();
        Assert.Equal(FailureKind.ModelNotLoaded, Assert.Throws<ForwardException>(() => module.EnableCudaGraphs()).Kind);
    }

    [Fact]
    public void A_forward_without_news_gets_the_same_settings_object_and_allocates_nothing()
    {
        using var module = new RecordingModule(_modes);
        using EnteredMode scope = module.EnableCudaGraphs();
        AdmittedModes first = _modes.Admit(module);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            Assert.Same(first, _modes.Admit(module));
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_call_brings_its_own_modes_along_without_changing_any_scope()
    {
        using var module = new RecordingModule(_modes);
        Assert.Equal(
            CudaGraphsMode.PerSegment,
            _modes.Admit(module, new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment }).Settings.CudaGraphs
        );
        Assert.Equal(CudaGraphsMode.Off, _modes.Admit(module).Settings.CudaGraphs);
        Assert.Equal(
            FailureKind.InvalidRequest,
            _modes.Admit(module, new ModeChange { WeightBudget = WeightBudget.Automatic }).Refusal?.Kind
        );
    }

    [Fact]
    public void Random_nests_of_scopes_leave_exactly_what_the_others_imply()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            var random = new Random(seed);
            var modes = new RuntimeModes();
            using var module = new RecordingModule(
                modes,
                new ModuleTraits
                {
                    ProfileCount = 4,
                    StreamableWeightBytes = 1000,
                    RuntimeSettings = true,
                }
            );
            var open = new List<(EnteredMode Scope, Func<ModeSettings, ModeSettings> Effect)>();
            for (int step = 0; step < 30; step++)
            {
                if (open.Count > 0 && random.Next(2) == 0)
                {
                    int chosen = random.Next(open.Count);
                    open[chosen].Scope.Dispose();
                    open.RemoveAt(chosen);
                }
                else
                {
                    int value = random.Next(4);
                    open.Add(
                        random.Next(4) switch
                        {
                            0 => (module.OptimizationProfile(value), s => s with { Profile = ProfileChoice.Pinned(value) }),
                            1 => (module.EnablePreAllocatedOutputs(), s => s with { PreAllocatedOutputs = true }),
                            2 => (
                                module.ResourceAllocationStrategy((WorkspaceStrategy)(value % 2)),
                                s => s with { Workspace = (WorkspaceStrategy)(value % 2) }
                            ),
                            _ => (
                                module.RuntimeConfig((KernelSpecialization)(value % 3)),
                                s =>
                                    s with
                                    {
                                        RuntimeSettings = s.RuntimeSettings with { Specialization = (KernelSpecialization)(value % 3) },
                                    }
                            ),
                        }
                    );
                }

                ModeSettings expected = open.Aggregate(ModeSettings.Default, (settings, scope) => scope.Effect(settings));
                Assert.True(expected == modes.Admit(module).Settings, $"seed {seed}, step {step}");
                Assert.False(
                    PerInstance.Differs(expected, module.Current),
                    $"seed {seed}, step {step}: the instance was not given {expected}"
                );
            }
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Scopes;

/// <summary>The seed's context managers as disposable scopes on a module. Each holds for that module alone, fails with the seed's text
/// where it cannot hold, and then changes nothing.</summary>
public static class ModeScopeVerbs
{
    extension(IModeTarget module)
    {
        /// <summary>CUDA graphs until disposed (seed: <c>enable_cudagraphs</c>): of the whole module where it has fallback segments, else
        /// per segment. The recordings are released at the end.</summary>
        /// <param name="strategy">Engine-internal capture; TensorRT-RTX only.</param>
        /// <exception cref="ForwardException">A segment requires an output allocator, one is enabled, or the back end cannot do
        /// it.</exception>
        public EnteredMode EnableCudaGraphs(EngineGraphStrategy? strategy = null) =>
            module.Modes.Enter(
                [module],
                new ModeChange
                {
                    CudaGraphs = CudaGraphsMode.Auto,
                    RuntimeSettings = strategy is null ? null : new RuntimeSettingsChange(GraphStrategy: strategy),
                }
            );

        /// <summary>Outputs are allocated at the first call and overwritten by each following one (seed:
        /// <c>enable_pre_allocated_outputs</c>); copy what must outlive the next call. Released at the end.</summary>
        public EnteredMode EnablePreAllocatedOutputs() => module.Modes.Enter([module], new ModeChange { PreAllocatedOutputs = true });

        /// <summary>Outputs are allocated while the engine runs, for data-dependent shapes (seed:
        /// <c>enable_output_allocator</c>).</summary>
        /// <exception cref="ForwardException">CUDA graphs are on, an output is aliased, or the back end takes no allocator.</exception>
        public EnteredMode EnableOutputAllocator() => module.Modes.Enter([module], new ModeChange { OutputAllocator = true });

        /// <summary>Lets the budget of streamable weights be set (seed: <c>weight_streaming</c>); opening it changes nothing yet.</summary>
        public WeightStreamingScope WeightStreaming() => new(module);

        /// <summary>Pins an optimization profile (seed: <c>optimization_profile</c> with an index).</summary>
        /// <exception cref="ForwardException">"Optimization profile index N out of range [0, M)".</exception>
        public EnteredMode OptimizationProfile(int index) =>
            module.Modes.Enter([module], new ModeChange { Profile = ProfileChoice.Pinned(index) });

        /// <summary>A pinned profile, or the choice by shape at each call.</summary>
        public EnteredMode OptimizationProfile(ProfileChoice choice) => module.Modes.Enter([module], new ModeChange { Profile = choice });

        /// <summary>The seed's form by name: <c>"auto"</c>, or null for profile 0; any other text is an error.</summary>
        public EnteredMode OptimizationProfile(string? choice) =>
            choice switch
            {
                "auto" => module.OptimizationProfile(ProfileChoice.Auto),
                null => module.OptimizationProfile(0),
                _ => throw new ForwardException(
                    FailureKind.InvalidRequest,
                    $"An optimization profile is an index or \"auto\", not '{choice}'."
                ),
            };

        /// <summary>Settings of TensorRT-RTX engines (seed: <c>runtime_config</c>); knobs left null stay as they are. One change, one
        /// rebuild of contexts.</summary>
        public EnteredMode RuntimeConfig(
            KernelSpecialization? specialization = null,
            EngineGraphStrategy? graphStrategy = null,
            RuntimeCacheChoice? cache = null
        ) => RuntimeConfig([module], specialization, graphStrategy, cache);

        /// <summary>Compiled kernels are kept in a file, or with an empty path in memory (seed: <c>runtime_cache</c>); saved when the scope
        /// ends.</summary>
        public EnteredMode RuntimeCache(string path) => RuntimeConfig([module], cache: new RuntimeCacheChoice(path));

        /// <summary>Compiled kernels are read from a stream now and written to it when the scope ends, once each (seed:
        /// <c>runtime_cache</c> with a stream).</summary>
        public RuntimeCacheScope RuntimeCache(Stream stream) => RuntimeCache([module], stream);

        /// <summary>Compiled kernels are read from a file if it is there; the caller saves them (seed: <c>runtime_cache</c> with
        /// <c>autosave=False</c>).</summary>
        public RuntimeCacheScope OpenRuntimeCache(string path) =>
            new([module], new RuntimeCacheFile(Path.GetFullPath(path), TimeSpan.Zero).TryRead(out _) ?? [], atEnd: null, module.Modes.Log);

        /// <summary>Who owns scratch memory (seed: <c>ResourceAllocationStrategy</c>); what held before comes back at the end.</summary>
        public EnteredMode ResourceAllocationStrategy(WorkspaceStrategy strategy) =>
            module.Modes.Enter([module], new ModeChange { Workspace = strategy });

        /// <summary>Writes profiles of the module's forwards (seed: <c>enable_profiling</c>).</summary>
        public EnteredMode EnableProfiling(ProfilingFormat format = ProfilingFormat.Perfetto) =>
            module.Modes.Enter([module], new ModeChange { Profiling = format });
    }

    /// <summary>The same settings on several modules (seed: <c>runtime_config</c> with a list): all of them or none.</summary>
    public static EnteredMode RuntimeConfig(
        IReadOnlyList<IModeTarget> modules,
        KernelSpecialization? specialization = null,
        EngineGraphStrategy? graphStrategy = null,
        RuntimeCacheChoice? cache = null
    ) => Of(modules).Enter(modules, new ModeChange { RuntimeSettings = new RuntimeSettingsChange(specialization, graphStrategy, cache) });

    /// <summary>One cache for several modules (seed: <c>runtime_cache</c> with a list).</summary>
    public static EnteredMode RuntimeCache(IReadOnlyList<IModeTarget> modules, string path) =>
        RuntimeConfig(modules, cache: new RuntimeCacheChoice(path));

    /// <summary>One cache for several modules, read from a stream now and written to it at the end.</summary>
    /// <exception cref="ForwardException">None of the modules has a TensorRT-RTX engine; nothing changed, and nothing will be
    /// written.</exception>
    public static RuntimeCacheScope RuntimeCache(IReadOnlyList<IModeTarget> modules, Stream stream)
    {
        RuntimeModes modes = Of(modules);
        using var saved = new MemoryStream();
        stream.CopyTo(saved);
        return new RuntimeCacheScope(
            modules,
            saved.ToArray(),
            bytes =>
            {
                if (stream.CanSeek)
                {
                    stream.SetLength(0);
                }

                stream.Write(bytes);
                stream.Flush();
            },
            modes.Log
        );
    }

    private static RuntimeModes Of(IReadOnlyList<IModeTarget> modules)
    {
        if (modules.Count == 0)
        {
            throw new ForwardException(FailureKind.InvalidRequest, "There is no module to set a mode for.");
        }

        RuntimeModes modes = modules[0].Modes;
        return modules.All(module => ReferenceEquals(module.Modes, modes))
            ? modes
            : throw new ForwardException(
                FailureKind.InvalidRequest,
                "The modules belong to different runtime objects; enter the mode on each."
            );
    }
}

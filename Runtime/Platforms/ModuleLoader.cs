using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>Loads a module's engines, each on its device, on a stream of the loader's own; all of them or none.</summary>
/// <remarks><b>Thread</b> any; loads may run at once. <b>Blocks</b> on the disk and while engines are made.</remarks>
internal sealed class ModuleLoader(
    ICudaDriver driver,
    DeviceAllocators memory,
    IReadOnlyList<DeviceDescription> machine,
    BackendCatalogue backends,
    DeviceHealth[] health
)
{
    /// <summary>V2's word for a module of several segments, whoever runs them.</summary>
    public const string ModulePlatform = "troupe_module";

    private readonly ModuleReader _reader = new(backends);

    /// <param name="home">Ordinal of the home device; null: one that the engines were built for, the first where nothing is told.</param>
    /// <exception cref="ModuleLoadException">The module is refused; the devices are as they were.</exception>
    public LoadedModule Load(ModuleSource source, int? home, CancellationToken cancellation)
    {
        ModuleDefinition definition = _reader.Read(source);
        int homeOrdinal = home ?? HomeOf(definition);
        RefuseUnfitDevices(definition, homeOrdinal);
        int[] relative =
        [
            0,
            .. definition.Segments.Select(segment => segment.Spec.RelativeOrdinal).Where(ordinal => ordinal != 0).Distinct().Order(),
        ];
        var devices = new List<BlockPool>();
        var engines = new List<(IEngine Engine, DeviceContext Device)>();
        try
        {
            foreach (int ordinal in relative)
            {
                devices.Add(memory.Open(homeOrdinal + ordinal));
            }

            foreach (SegmentDefinition segment in definition.Segments)
            {
                cancellation.ThrowIfCancellationRequested();
                BlockPool device = devices[Array.IndexOf(relative, segment.Spec.RelativeOrdinal)];
                engines.Add((LoadEngine(definition, segment, device, source, cancellation), device.Device));
            }

            var version = new ModelVersion(source.Model.Name, source.Model.Number ?? 1, definition.Hash);
            string platform = definition.IsLone ? backends.Find(definition.Segments[0].Spec).Description.Platform : ModulePlatform;
            IEngine[] loaded = [.. engines.Select(engine => engine.Engine)];
            return new LoadedModule(ModuleGraphBuilder.Build(definition, version, loaded, platform), loaded, devices)
            {
                Warnings =
                [
                    .. definition.Segments.SelectMany(segment => segment.Warnings),
                    .. loaded.SelectMany(engine => engine.Warnings),
                ],
            };
        }
        catch (Exception trouble)
        {
            ForwardException? explained = trouble is CudaException call ? Explain(call, devices, relative, homeOrdinal) : null;
            Undo(engines, devices);
            if (explained is not null && trouble is CudaException cuda)
            {
                throw new ModuleLoadException(explained.Kind, $"'{source.Path}' cannot be loaded: {explained.Message}", cuda);
            }

            throw;
        }
    }

    /// <summary>Blames the device that could not be opened, or else the one among those opened that failed.</summary>
    private ForwardException Explain(CudaException trouble, List<BlockPool> opened, int[] relative, int home) =>
        opened.Count < relative.Length
            ? health[home + relative[opened.Count]].Explain(trouble)
            : new ModuleHealth([.. opened.Select(device => device.Device)], [.. opened.Select(device => health[device.Ordinal])]).Explain(
                trouble
            );

    /// <summary>Reads a module's files as a load does and makes each engine that runs on the first device, one after another, and lets it
    /// go: whoever is ended by one of them can serve nobody.</summary>
    /// <inheritdoc cref="Load" path="/exception"/>
    public void Try(ModuleSource source, CancellationToken cancellation)
    {
        ModuleDefinition definition = _reader.Read(source);
        using BlockPool device = memory.Open(0);
        foreach (SegmentDefinition segment in definition.Segments)
        {
            cancellation.ThrowIfCancellationRequested();
            if (backends.Obstacle(segment.Spec.Backend, machine[0].Driver) is null)
            {
                using ContextEntry entry = device.Device.Enter();
                LoadEngine(definition, segment, device, source, cancellation).Dispose();
            }
        }
    }

    private IEngine LoadEngine(
        ModuleDefinition definition,
        SegmentDefinition segment,
        BlockPool memory,
        ModuleSource module,
        CancellationToken cancellation
    )
    {
        DeviceContext device = memory.Device;
        IEngineBackend backend = backends.Find(segment.Spec);
        if (backend.Description.Obstacle(machine[device.Ordinal].Driver) is { } obstacle)
        {
            throw new ModuleLoadException(FailureKind.NotSupported, $"'{segment.Path}' cannot run on device {device.Ordinal}: {obstacle}.");
        }

        using ContextEntry entry = device.Enter();
        using DeviceStream stream = DeviceStream.Create(device);
        var source = new EngineSource(segment.Spec.Name, segment.Path, segment.Bytes)
        {
            Files = module.Files,
            IsHeld = module.Held is not null,
            HasOptionalInputs = definition.IsLone,
            Aliases = segment.Aliases,
            Ranges = RangesOf(definition, segment),
        };
        IEngine engine = backend.Load(source, new EngineHome(driver, device.Ordinal, device.Handle, stream.Handle, memory), cancellation);
        stream.Synchronize();
        return engine;
    }

    /// <summary>Ranges the module states, by the engine's own names; none where those are not known yet.</summary>
    private static Dictionary<string, ProfileRange> RangesOf(ModuleDefinition definition, SegmentDefinition segment)
    {
        IReadOnlyList<string> own = segment.Bindings?.Inputs ?? segment.Spec.Inputs;
        var ranges = new Dictionary<string, ProfileRange>(StringComparer.Ordinal);
        for (int index = 0; index < Math.Min(own.Count, segment.Spec.Inputs.Count); index++)
        {
            if (definition.Inputs.FirstOrDefault(input => input.Name == segment.Spec.Inputs[index])?.Range is { } range)
            {
                ranges[own[index]] = range;
            }
        }

        return ranges;
    }

    private int HomeOf(ModuleDefinition definition) =>
        definition.Segments.FirstOrDefault(segment => segment.BuiltOn is not null) is { } stamped
            ? DeviceSelection.Choose(BuiltForOf(stamped), machine, CurrentDevice())
            : CurrentDevice() ?? 0;

    /// <summary>The device whose context the caller's thread has current; null where it has none.</summary>
    private int? CurrentDevice()
    {
        if (
            driver.CtxGetCurrent(out CuContext context) != CuResult.Success
            || context == default
            || driver.CtxGetDevice(out CuDevice current) != CuResult.Success
        )
        {
            return null;
        }

        return machine
            .FirstOrDefault(device => driver.DeviceGet(out CuDevice found, device.Ordinal) == CuResult.Success && found == current)
            ?.Ordinal;
    }

    private static BuiltFor BuiltForOf(SegmentDefinition segment)
    {
        DeviceStamp stamp = segment.BuiltOn!;
        return stamp.Kind == DeviceStampKind.Gpu
            ? new BuiltFor(stamp.Ordinal, stamp.Name, stamp.Major, stamp.Minor, segment.HardwareCompatible)
            : throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"The engine '{segment.Spec.Name}' of '{segment.Path}' was built for the deep-learning accelerator '{stamp.Name}', which no device here is. Build it for a GPU."
            );
    }

    private void RefuseUnfitDevices(ModuleDefinition definition, int homeOrdinal)
    {
        if ((uint)homeOrdinal >= (uint)machine.Count)
        {
            throw new ModuleLoadException(FailureKind.NotFound, $"There is no device {homeOrdinal}; this machine has {machine.Count}.");
        }

        if (definition.Segments.FirstOrDefault(segment => homeOrdinal + segment.Spec.RelativeOrdinal >= machine.Count) is { } far)
        {
            throw new ModuleLoadException(
                FailureKind.NotFound,
                $"Segment '{far.Spec.Name}' runs {far.Spec.RelativeOrdinal} devices after its home, which is device {homeOrdinal}; this machine has {machine.Count}."
            );
        }

        foreach (SegmentDefinition segment in definition.Segments.Where(segment => segment.BuiltOn is not null))
        {
            DeviceSelection.Require(BuiltForOf(segment), machine[homeOrdinal + segment.Spec.RelativeOrdinal]);
        }
    }

    private static void Undo(List<(IEngine Engine, DeviceContext Device)> engines, List<BlockPool> devices)
    {
        foreach ((IEngine engine, DeviceContext device) in engines)
        {
            using ContextEntry entry = device.Enter();
            engine.Dispose();
        }

        devices.ForEach(device => device.Dispose());
    }
}

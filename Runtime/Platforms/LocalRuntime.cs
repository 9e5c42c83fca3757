using Microsoft.Extensions.Logging;
using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>Troupe inside one process, without actors: modules on this machine's devices, called directly, under the modes of this
/// object.</summary>
/// <remarks>The counterpart of <c>torch_tensorrt.runtime</c>. <b>Owns</b> the platform. <b>Thread</b> any. <b>Blocks</b> while modules are
/// loaded.</remarks>
public sealed partial class LocalRuntime(Platform platform, ILogger? log = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<LocalModule> _modules = [];

    /// <summary>Baselines and scopes: <c>SetCudaGraphsMode</c>, <c>SetMultiDeviceSafeMode</c> and their getters.</summary>
    public RuntimeModes Modes { get; } = new(log);

    /// <summary>Where TensorRT-RTX engines keep compiled kernels; any path may be named.</summary>
    public RuntimeCacheOptions Caches { get; init; } = new();

    public IReadOnlyList<DeviceDescription> Devices => platform.Devices;

    internal Platform Platform => platform;

    /// <summary>Loads a lone model, an artifact of torch_tensorrt or a <c>module.json</c> on a device. With a number of lanes, as many
    /// calls may be in flight at once.</summary>
    /// <param name="path">Absolute path of the file.</param>
    /// <param name="device">Null: the caller's current device, where an artifact was built for its kind; else one that the artifact was
    /// built for, else the first.</param>
    /// <param name="name">Name for errors; the file's name when null.</param>
    /// <param name="lazy">Only the path is kept; <see cref="LocalModule.Setup"/> or the first scope loads it (seed:
    /// <c>lazy_engine_init</c>).</param>
    /// <exception cref="ModuleLoadException">The model is refused; nothing is left on the device.</exception>
    public LocalModule Load(string path, int? device = null, int lanes = 2, string? name = null, bool lazy = false) =>
        Load(new ModuleSource(Reference(name ?? Path.GetFileNameWithoutExtension(path)), path), device, lanes, lazy);

    /// <summary>Loads a raw plan with names for its tensors, in the order of the call (seed:
    /// <c>TorchTensorRTModule(serialized_engine, input_binding_names, output_binding_names)</c>).</summary>
    /// <param name="plan">A serialized engine, as <c>convert_exported_program_to_serialized_trt_engine</c> returns it.</param>
    /// <param name="inputNames">All of the engine's inputs; with both lists empty, the indexes at the end of its names tell the order, else
    /// its own order holds.</param>
    /// <param name="outputNames">All of its outputs.</param>
    /// <exception cref="ModuleLoadException">The plan is refused, or the engine has other tensors; nothing is left on the
    /// device.</exception>
    public LocalModule LoadPlan(
        ReadOnlyMemory<byte> plan,
        IReadOnlyList<string> inputNames,
        IReadOnlyList<string> outputNames,
        int? device = null,
        int lanes = 2,
        string name = "plan",
        bool lazy = false
    )
    {
        ArtifactSpec artifact = ArtifactModule.Explained(() => ArtifactReader.Open(plan, name));
        return Load(
            new ModuleSource(Reference(name), name) { Artifact = artifact, Names = Names(inputNames, outputNames) },
            device,
            lanes,
            lazy
        );
    }

    /// <summary>As <see cref="LoadPlan(ReadOnlyMemory{byte}, IReadOnlyList{string}, IReadOnlyList{string}, int?, int, string, bool)"/>,
    /// from a file.</summary>
    public LocalModule LoadPlan(
        string path,
        IReadOnlyList<string> inputNames,
        IReadOnlyList<string> outputNames,
        int? device = null,
        int lanes = 2,
        string? name = null,
        bool lazy = false
    ) =>
        Load(
            new ModuleSource(Reference(name ?? Path.GetFileNameWithoutExtension(path)), path) { Names = Names(inputNames, outputNames) },
            device,
            lanes,
            lazy
        );

    /// <summary>Loads one engine from its record, as <c>torch_tensorrt</c> keeps it in a state dictionary.</summary>
    /// <exception cref="ModuleLoadException">The record is refused; nothing is left on the device.</exception>
    public LocalModule LoadRecord(EngineRecord record, int? device = null, int lanes = 2, bool lazy = false)
    {
        ArtifactSpec artifact = ArtifactModule.Explained(() => ArtifactSpec.Of(record));
        string name = record.Name.Length > 0 ? record.SegmentName : "record";
        return Load(new ModuleSource(Reference(name), name) { Artifact = artifact }, device, lanes, lazy);
    }

    private LocalModule Load(ModuleSource source, int? device, int lanes, bool lazy)
    {
        var module = new LocalModule(
            this,
            source,
            device,
            log is null
                ? new InstanceOptions(lanes) { Caches = Caches }
                : new InstanceOptions(lanes) { Caches = Caches with { Log = log }, Log = log }
        );
        if (log is not null && Devices.Count > 1 && !Modes.GetMultiDeviceSafeMode())
        {
            LogUnsafe(log, Devices.Count);
        }

        if (!lazy)
        {
            module.Setup();
        }

        lock (_lock)
        {
            _modules.Add(module);
        }

        return module;
    }

    private static ModelReference Reference(string name) => new(name, 1);

    private static BindingNames? Names(IReadOnlyList<string> inputs, IReadOnlyList<string> outputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        return inputs.Count + outputs.Count == 0 ? null : new BindingNames([.. inputs], [.. outputs]);
    }

    /// <summary>Unloads every module and closes the devices.</summary>
    public void Dispose()
    {
        LocalModule[] modules;
        lock (_lock)
        {
            modules = [.. _modules];
            _modules.Clear();
        }

        foreach (LocalModule module in modules)
        {
            module.Dispose();
        }

        platform.Dispose();
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "There are {Devices} devices and multi-device safe mode is off: inputs on another device than their module's will be refused"
    )]
    private static partial void LogUnsafe(ILogger log, int devices);
}

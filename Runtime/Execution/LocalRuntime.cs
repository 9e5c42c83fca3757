using Microsoft.Extensions.Logging;
using Troupe.Messages.Identity;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Execution;

/// <summary>Troupe inside one process, without actors: modules on this machine's devices, called directly, under the modes of this object.</summary>
/// <remarks>The counterpart of <c>torch_tensorrt.runtime</c>. <b>Owns</b> the platform. <b>Thread</b> any. <b>Blocks</b> while modules are loaded.</remarks>
public sealed partial class LocalRuntime(Platform platform, ILogger? log = null) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly List<LocalModule> _modules = [];

    /// <summary>Baselines and scopes: <c>SetCudaGraphsMode</c>, <c>SetMultiDeviceSafeMode</c> and their getters.</summary>
    public RuntimeModes Modes { get; } = new(log);

    public IReadOnlyList<DeviceDescription> Devices => platform.Devices;

    internal Platform Platform => platform;

    /// <summary>Loads a lone model or a <c>module.json</c> on a device. With a number of lanes, as many calls may be in flight at once.</summary>
    /// <param name="path">Absolute path of the file.</param>
    /// <param name="name">Name for errors; the file's name when null.</param>
    /// <param name="lazy">Only the path is kept; <see cref="LocalModule.Setup"/> or the first scope loads it (seed: <c>lazy_engine_init</c>).</param>
    /// <exception cref="ModuleLoadException">The model is refused; nothing is left on the device.</exception>
    public LocalModule Load(string path, int device = 0, int lanes = 2, string? name = null, bool lazy = false)
    {
        var source = new ModuleSource(new ModelReference(name ?? Path.GetFileNameWithoutExtension(path), 1), path);
        var module = new LocalModule(this, source, device, new InstanceOptions(lanes));
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "There are {Devices} devices and multi-device safe mode is off: inputs on another device than their module's will be refused")]
    private static partial void LogUnsafe(ILogger log, int devices);
}

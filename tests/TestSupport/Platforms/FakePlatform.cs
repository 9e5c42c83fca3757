using System.Security.Cryptography;
using System.Text;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Platforms;

/// <summary>Devices whose every step a test decides: when a forward completes, what fails, sticks or hangs. The contract is that of
/// <see cref="IPlatform"/>.</summary>
/// <remarks>A model's content is its path: two paths under one name are two contents. Its one segment doubles each byte of its one
/// input.</remarks>
internal sealed class FakePlatform : IPlatform
{
    private readonly List<FakeInstance> _instances = [];
    private readonly Lock _lock = new();

    /// <param name="emulated">Whether the devices say that they are emulated, where a forward runs inside its submission.</param>
    public FakePlatform(int devices, bool emulated = true)
    {
        Faults = [.. Enumerable.Range(0, devices).Select(_ => new FakeDevice())];
        Devices = [.. Enumerable.Range(0, devices).Select(ordinal => new DeviceDescription(ordinal, "fake", emulated, 0, 0, 1 << 30))];
    }

    public IReadOnlyList<DeviceDescription> Devices { get; }

    /// <summary>By ordinal: what is wrong with the device.</summary>
    public IReadOnlyList<FakeDevice> Faults { get; }

    /// <summary>Forwards complete inside Submit, or when the test says so.</summary>
    public bool CompleteAtOnce { get; set; } = true;

    /// <summary>Called before a module is loaded: may throw what a load throws.</summary>
    public Action<ModuleSource, int>? OnLoad { get; set; }

    /// <summary>Called inside each Submit, on the executor's thread: may throw, block or set a fault.</summary>
    public Action<FakeLane>? OnSubmit { get; set; }

    /// <summary>Called inside each poll of a lane, before it answers.</summary>
    public Action<FakeLane>? OnPoll { get; set; }

    public bool SafeToResend { get; set; } = true;

    /// <summary>What modes can hold for its models.</summary>
    public ModuleTraits Traits { get; init; } = ModuleTraits.Plain;

    public IReadOnlyList<FakeInstance> Instances
    {
        get
        {
            lock (_lock)
            {
                return [.. _instances];
            }
        }
    }

    /// <summary>Instances that nobody has disposed of.</summary>
    public int Live => Instances.Count(instance => !instance.Disposed);

    /// <summary>Lanes that nobody has given back.</summary>
    public int Leased => Instances.Sum(instance => instance.Leased);

    public IDeviceGroup OpenGroup(params IReadOnlyList<int> ordinals)
    {
        foreach (int ordinal in ordinals)
        {
            if (Faults[ordinal].Fault is { } fault)
            {
                throw new ForwardException(FailureKind.DeviceLost, fault);
            }
        }

        return new FakeGroup(this, ordinals);
    }

    public IModuleInstance Load(ModuleSource source, int homeOrdinal, InstanceOptions options, CancellationToken cancellation)
    {
        OnLoad?.Invoke(source, homeOrdinal);
        if (Faults[homeOrdinal].Fault is { } fault)
        {
            throw new ModuleLoadException(FailureKind.DeviceLost, fault);
        }

        var version = new ModelVersion(
            source.Model.Name,
            source.Model.Number ?? 1,
            ContentHash.FromSha256(SHA256.HashData(Encoding.UTF8.GetBytes(source.Path)))
        );
        var spec = new ModuleSpec(
            version,
            "fake",
            [new TensorSpec("x", ElementType.UInt8, new TensorShape(-1))],
            [new TensorSpec("y", ElementType.UInt8, new TensorShape(-1))],
            [],
            SafeToResend
        );
        var instance = new FakeInstance(this, spec, homeOrdinal, options.MaxLanes);
        lock (_lock)
        {
            _instances.Add(instance);
        }

        return instance;
    }

    public void Dispose() { }

    private sealed class FakeGroup(FakePlatform platform, IReadOnlyList<int> ordinals) : IDeviceGroup
    {
        public IReadOnlyList<int> Ordinals { get; } = ordinals;

        public string? Fault => Ordinals.Select(ordinal => platform.Faults[ordinal].Fault).FirstOrDefault(fault => fault is not null);

        public DeviceMemory Memory(int ordinal) => new(1 << 29, 1 << 30);

        public bool Drain(TimeSpan bound) => true;

        public void Dispose() { }
    }
}

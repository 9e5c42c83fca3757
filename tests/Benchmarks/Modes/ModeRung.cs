using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Benchmarks.Modes;

/// <summary>A leased lane of an instance of its own, as the executor uses it, under one setting of the modes.</summary>
internal sealed class ModeRung : IDisposable
{
    private readonly ModuleInstance _instance;
    private readonly HostLane _lane;
    private readonly Tensor[] _inputs;
    private readonly ModeSettings _settings;
    private readonly Action _wake = static () => { };

    public ModeRung(Platform platform, string path, Tensor input, ModeSettings settings, string profiles)
    {
        _instance = platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            0,
            new InstanceOptions(ProfileFolder: profiles),
            CancellationToken.None
        );
        _instance.Apply(settings);
        _lane = _instance.TryLease() ?? throw new InvalidOperationException("No lane is idle.");
        (_inputs, _settings) = ([input], settings);
    }

    public Tensor[] Run()
    {
        _lane.Submit(_inputs, [], _settings, _wake);
        return _lane.Poll(0) == LaneStatus.Succeeded ? _lane.TakeOutputs(0) : throw _lane.FailureOf(0);
    }

    public void Dispose()
    {
        _lane.Dispose();
        _instance.Dispose();
    }
}

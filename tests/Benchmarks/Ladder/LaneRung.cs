using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Benchmarks.Ladder;

/// <summary>One lane of an instance on an emulated device, without actors.</summary>
internal sealed class LaneRung : IDisposable
{
    private readonly Platform _platform = Platform.OpenEmulated(new EmulatedDevices());
    private readonly ModuleInstance _instance;
    private readonly HostLane _leased;
    private readonly DeviceTensor[] _inputs;
    private readonly DeviceTensor[] _outputs = new DeviceTensor[1];
    private readonly Tensor[] _hostInputs;
    private readonly Action _wake = static () => { };

    public LaneRung(LadderModel model)
    {
        _instance = _platform.LoadInstance(
            new ModuleSource(new ModelReference(model.Name, 1), model.Path),
            0,
            new InstanceOptions(),
            CancellationToken.None
        );
        _leased = _instance.TryLease() ?? throw new InvalidOperationException("No lane is idle.");
        _hostInputs = [model.Input];
        _inputs =
        [
            new DeviceTensor(
                model.Input.Type,
                model.Input.Shape,
                _instance.HomePool.Rent((ulong)model.Input.Data.Length, _leased.Lane.Home.Stream)
            ),
        ];
    }

    public void RunOnDevice()
    {
        _leased.Lane.Forward(_inputs, _outputs, ModeSettings.Default, CallerStream.None);
        if (!_leased.Lane.IsIdle())
        {
            throw new InvalidOperationException("The inline policy has run everything by now.");
        }

        _outputs[0].Return();
    }

    public Tensor[] RunOnHost()
    {
        _leased.Submit(_hostInputs, [], ModeSettings.Default, _wake);
        return _leased.Poll(0) == LaneStatus.Succeeded ? _leased.TakeOutputs(0) : throw _leased.FailureOf(0);
    }

    public void Dispose()
    {
        _inputs[0].Return();
        _leased.Dispose();
        _instance.Dispose();
        _platform.Dispose();
    }
}

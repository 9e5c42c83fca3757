using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Lanes;

namespace Troupe.Runtime.Tests.Simulation;

/// <content>Injected faults: some a forward survives, one that ends a device and with it this world.</content>
internal sealed partial class World
{
    private void Inject()
    {
        EmulatedFaultKind kind = _random.Next(2) == 0 ? EmulatedFaultKind.RefusedLaunch : EmulatedFaultKind.FailedCapture;
        int device = _random.Next(DeviceCount),
            after = _random.Next(kind == EmulatedFaultKind.RefusedLaunch ? 8 : 2),
            times = _random.Next(1, 4);
        if (_faults.Plan(kind, device, after, times) is { } fault)
        {
            _trace.Add($"inject {kind} on {device}: after {after}, {times} times");
            _driver.Inject(fault);
        }
    }

    /// <summary>A launch is taken and fails its device for good: everything on it is lost, nothing on the other is touched.</summary>
    private void FailDevice()
    {
        LoadedCase victim = Any(_loaded);
        Settle();
        LoadedCase[] others = [.. _loaded.Where(loaded => loaded.Home != victim.Home)];
        if (
            _loaded.Exists(loaded => loaded.Module.Devices > 1)
            || _faults.IsPlanned(victim.Home)
            || victim.Instance.TryLease() is not { } lane
        )
        {
            return;
        }

        _trace.Add($"fail device {victim.Home}");
        _driver.Inject(new EmulatedFault(EmulatedFaultKind.StickyError, victim.Home));
        ModeSettings settings = ModeSettings.Default with { Profile = ProfileChoice.Auto };
        Tensor[] inputs = Fitting(victim);
        Assert.Equal(FailureKind.DeviceLost, Catch(() => Run(lane, inputs, settings))?.Kind);
        lane.Dispose();
        Assert.Equal(FailureKind.DeviceLost, Catch(() => victim.Instance.TryLease())?.Kind);
        foreach (LoadedCase other in others)
        {
            for (int round = 0; round < 3; round++)
            {
                ForwardOnHost(other);
                Finish(other);
            }
        }

        EndWithout(victim.Home);
    }

    /// <summary>Takes everything down, a device that is lost included; the other one ends up empty.</summary>
    private void EndWithout(int lost)
    {
        IsOver = true;
        foreach (LoadedCase loaded in _loaded)
        {
            ReturnCaches(loaded);
            loaded.Instance.Dispose();
        }

        _loaded.Clear();
        Array.ForEach(_callers, caller => caller.Dispose());
        Assert.Equal(0, _driver.Snapshot(1 - lost).BytesInUse);
    }

    private Tensor[] Fitting(LoadedCase loaded)
    {
        while (true)
        {
            Tensor[] inputs = loaded.Module.Draw(_random);
            if (loaded.Module.Compute(inputs) is not null && (loaded.Module.Profiles == 1 || inputs[0].Shape[0] <= 4))
            {
                return inputs;
            }
        }
    }

    private static void Run(HostLane lane, Tensor[] inputs, ModeSettings settings)
    {
        lane.Submit(inputs, [], settings, () => { });
        lane.Lane.WaitUntilIdle();
        if (lane.Poll(0) == LaneStatus.Failed)
        {
            throw lane.FailureOf(0);
        }
    }
}

using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;

namespace Troupe.Runtime.Tests.Simulation;

/// <content>Somebody takes all memory of a device: idle lanes give what they keep, and what is refused then changes nothing.</content>
internal sealed partial class World
{
    private void FillDevice()
    {
        Settle();
        int device = _random.Next(DeviceCount);
        LoadedCase[] there = [.. _loaded.Where(loaded => loaded.Home == device || loaded.Module.Devices > 1)];
        if (Array.Exists(there, loaded => loaded.Module.Cache >= 0))
        {
            // Recordings go by where an input lies that is written in place, and that is anywhere afterwards.
            return;
        }

        _trace.Add($"fill device {device}");
        using (BlockPool hog = _platform.Memory.Open(device))
        {
            for (ulong size = MemoryBytes / 2; size > 0; size /= 2)
            {
                while (Catch(() => hog.Reserve(size, "Somebody else's blocks")) is null)
                {
                    // Until no block of this size is left.
                }
            }

            Assert.Equal((long)MemoryBytes, _platform.Memory.CountsOf(device).Used);
            foreach (LoadedCase loaded in there)
            {
                foreach (HostLane lane in loaded.Instance.Lanes)
                {
                    loaded.LaneOf(lane).GiveBackMemory(loaded.Told);
                }
            }

            RefuseLoad(device);
            if (there.FirstOrDefault(loaded => loaded.Home == device) is { } victim)
            {
                RefuseForward(victim);
            }
        }

        Settle();
    }

    private void RefuseLoad(int device)
    {
        long before = _platform.Memory.CountsOf(device).Used;
        ModuleCase module = ModuleCatalogue.All.First(module => module.Devices == 1);
        using var folder = new ModuleFolder();
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            _platform.LoadInstance(
                new ModuleSource(new ModelReference(module.Name, ++_version), module.Write(folder)),
                device,
                new InstanceOptions(1),
                CancellationToken.None
            )
        );
        Assert.Equal((FailureKind.OutOfDeviceMemory, before), (refused.Kind, _platform.Memory.CountsOf(device).Used));
    }

    private void RefuseForward(LoadedCase victim)
    {
        if (TryLease(victim) is { } lane)
        {
            ModeSettings settings = ModeSettings.Default with { Profile = ProfileChoice.Auto };
            Tensor[] inputs = Fitting(victim);
            Assert.Equal(FailureKind.OutOfDeviceMemory, Catch(() => lane.Submit(inputs, [], settings, () => { }))?.Kind);

            // It was planned, and had no place for all of its tensors, also when the lane's own contexts had given what they keep: how far
            // that took it depends on them.
            lane.Lane.WaitUntilIdle();
            lane.GiveBackMemory(held: null);
            LaneModel model = victim.LaneOf(lane);
            model.Plans(settings, victim.Model.Key(inputs), Dimensions(inputs[0]));
            model.GiveBackMemory(told: null);
            GiveBack(victim, lane);
        }
    }
}

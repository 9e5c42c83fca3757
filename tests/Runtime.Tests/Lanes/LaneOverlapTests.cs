using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>Lanes of one instance overlap: none waits for another's memory while there is any left.</summary>
public sealed class LaneOverlapTests
{
    [Fact]
    public void Two_forwards_of_a_millisecond_on_a_device_with_two_kernel_slots_take_a_millisecond()
    {
        using var bench = new Workbench(
            new EmulatedDriverOptions
            {
                Policy = ExecutionPolicy.Timed,
                Devices = [new EmulatedDeviceOptions { ConcurrentKernels = 2, CopyBytesPerSecond = 1UL << 62 }],
            }
        );
        ModuleInstance instance = bench.Load(bench.Folder.Write("net.plan", PackedEngines.Scale(2, more: """, "microseconds": 1000""")));
        for (int round = 0; round < 4; round++)
        {
            TimeSpan start = bench.Driver.Clock.Elapsed;
            HostLane[] lanes = [instance.Lease(), instance.Lease()];
            foreach (HostLane lane in lanes)
            {
                lane.Submit([Workbench.Floats("x", [1, 4], round, 1, 2, 3)], [], ModeSettings.Default, static () => { });
            }

            foreach (HostLane lane in lanes)
            {
                lane.Lane.WaitUntilIdle();
                Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
                Tensor[] outputs = lane.TakeOutputs(0);
                Assert.Equal([2 * round, 2, 4, 6], Workbench.Floats(outputs[0]));
                lane.Dispose();
            }

            // At first the host asks, a microsecond each time, whether what the other lane left is over.
            TimeSpan asked = TimeSpan.FromMicroseconds(round == 0 ? 10 : 0);
            Assert.InRange(bench.Driver.Clock.Elapsed - start, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1) + asked);
        }

        Assert.Empty(bench.Driver.Reports);
    }
}
